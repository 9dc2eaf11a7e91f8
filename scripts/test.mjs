/**
 * `npm test`: runs all tests, or those that the arguments of `bun test` choose, and ends with one line that scripts can
 * read: `12 passed, 0 failed` (and `, 1 skipped`).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const TEST_TIMEOUT_MS = 30_000;

/** Counts of a JUnit report; `null` when there is none, because the run broke off. */
function readCounts(file) {
  let report;
  try {
    report = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  const head = /<testsuites\b[^>]*>/.exec(report)?.[0];
  if (!head) return null;
  const count = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  return { passed: count("tests") - failed - skipped, failed, skipped };
}

const directory = mkdtempSync(join(tmpdir(), "neurabalancer-test-"));
const report = join(directory, "report.xml");
const bun = join(ROOT, "node_modules", ".bin", "bun");
const args = [
  "--no-env-file", // a developer's .env must not decide what tests see
  "test",
  `--timeout=${TEST_TIMEOUT_MS}`,
  "--reporter=junit",
  `--reporter-outfile=${report}`,
  ...process.argv.slice(2),
];

const child = spawn(bun, args, { cwd: ROOT, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`cannot run Bun: ${error.message}`);
  finish(1);
});
child.on("exit", (code) => finish(code ?? 1));

function finish(code) {
  const counts = readCounts(report) ?? { passed: 0, failed: 0, skipped: 0 };
  rmSync(directory, { recursive: true, force: true });
  // A file that could not be loaded, or an error between tests, fails the run without a failed test.
  const failed = code !== 0 && counts.failed === 0 ? 1 : counts.failed;
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
  console.log(`${counts.passed} passed, ${failed} failed${skipped}`);
  process.exit(failed > 0 ? code || 1 : 0);
}
