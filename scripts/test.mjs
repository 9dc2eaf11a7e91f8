/**
 * `npm test`: runs all tests, tier by tier, or those that the arguments of `bun test` choose, and ends with one line that
 * scripts can read: `12 passed, 0 failed` (and `, 1 skipped`). `--tier=unit` runs one tier. With `--again` what failed of the
 * tiers that run beside others is run once more, alone: what passes then counts as passed, and is named as unsteady at the end.
 *
 * Each tier runs under a guard (test-guard.ts), which ends every process of it whatever happens to this one.
 */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** Which folders each tier has, and the longest that it may take on a busy machine. The quickest comes first. */
const TIERS = JSON.parse(readFileSync(join(ROOT, "scripts", "test-tiers.json"), "utf8"));
/** A test that hangs fails after this; on a machine with other work a start of the product alone may take ten seconds. */
const TEST_TIMEOUT_MS = 120_000;
/** Workers whose supervisor was killed end by themselves, when their requests have. */
const GRACE_SECONDS = 15;
/** Guards exit with this when the tests left something behind. */
const LEFT_BEHIND = 70;

/** More files with failures than this are no accident. */
const MOST_FILES_AGAIN = 3;
/** The longest that they may take. */
const AGAIN_SECONDS = 700;

const tierFlag = process.argv.slice(2).find((argument) => argument.startsWith("--tier="));
const isAgain = process.argv.includes("--again");
const chosen = process.argv.slice(2).filter((argument) => argument !== tierFlag && argument !== "--again");
const bun = join(ROOT, "node_modules", ".bin", "bun");
/** The guard that runs now. */
let guard = null;
let stopped = false;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    stopped = true;
    guard?.kill("SIGTERM");
  });
}

const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, and what did so once, one line each: whoever sees only the end of a long output reads it there. */
const remarks = [];
for (const run of plan()) {
  if (stopped) break;
  if (run.name !== null) console.log(`── ${run.name} tests`);
  const first = await runUnderGuard(run);
  const counts = isAgain && run.again ? await runAgain(run, first) : first;
  for (const name of Object.keys(total)) total[name] += counts[name];
  for (const { test } of counts.failures) remarks.push(`failed: ${test}`);
}
for (const line of remarks) console.log(line);
if (stopped) total.failed = Math.max(total.failed, 1);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed > 0 ? 1 : 0);

/** What to run, in order. Arguments without a tier are one run. */
function plan() {
  const tiers = Object.entries(TIERS).map(([name, { folders, limitSeconds, flags, again = false }]) => ({
    name,
    limitSeconds,
    again,
    args: [...flags, ...folders.map((folder) => `./${folder}`), ...chosen],
  }));
  if (tierFlag !== undefined) {
    const one = tiers.filter(({ name }) => tierFlag === `--tier=${name}`);
    if (one.length > 0) return one;
    console.error(`${tierFlag}: the tiers are ${Object.keys(TIERS).join(", ")}`);
    process.exit(1);
  }
  if (chosen.length === 0) return tiers;
  const limitSeconds = tiers.reduce((sum, tier) => sum + tier.limitSeconds, 0);
  return [{ name: null, limitSeconds, again: true, args: chosen }];
}

/** Runs the files that had failures once more, and nothing beside them. @returns the counts of both runs as if they had been one. */
async function runAgain({ name, args }, first) {
  const files = [...new Set(first.failures.map(({ file }) => file))];
  // Who cannot say what failed has broken off, or left something behind.
  if (files.length === 0 || files.length > MOST_FILES_AGAIN || first.failures.length !== first.failed) return first;
  if (stopped) return first;
  console.log(`── once more, alone: ${files.join(" ")}`);
  const those = name === null ? args : [...files.map((file) => `./${file}`), ...chosen];
  const second = await runUnderGuard({ args: those, limitSeconds: AGAIN_SECONDS });
  if (second.failures.length !== second.failed || second.passed === 0) return first;
  const before = new Set(first.failures.map(({ test }) => test));
  const after = new Set(second.failures.map(({ test }) => test));
  for (const test of before)
    if (!after.has(test)) remarks.push(`unsteady, it failed beside others and passed alone: ${test}`);
  const tests = first.passed + first.failed;
  const failed = second.failed;
  return { passed: tests - failed, failed, skipped: first.skipped, failures: second.failures };
}

async function runUnderGuard({ args, limitSeconds }) {
  const directory = mkdtempSync(join(tmpdir(), "nb-test-"));
  chmodSync(directory, 0o711); // tests that stand in for another user leave something for that one to find
  const report = join(directory, "report.xml");
  // Everything that tests put into the temporary directory goes into this one.
  const temporary = join(directory, "tmp");
  mkdirSync(temporary);
  const tests = [
    "--no-env-file", // a developer's .env must not decide what tests see
    "test",
    `--preload=${join(ROOT, "scripts", "test-setup.ts")}`,
    `--timeout=${TEST_TIMEOUT_MS}`,
    "--reporter=junit",
    `--reporter-outfile=${report}`,
    ...args,
  ];
  const mark = `${process.pid}-${Date.now()}`;
  // Detached: a terminal's Ctrl-C reaches this process, which tells the guard. Its standard input ends with this process,
  // however that ends.
  guard = spawn(
    bun,
    [
      "--no-env-file",
      join(ROOT, "scripts", "test-guard.ts"),
      String(limitSeconds),
      String(GRACE_SECONDS),
      bun,
      ...tests,
    ],
    {
      cwd: ROOT,
      // ORT_…: tests load the ONNX runtime themselves, and nothing of a run calls home.
      env: { ...process.env, TMPDIR: temporary, TEST_RUN: mark, ORT_DISABLE_TELEMETRY: "1" },
      stdio: ["pipe", "inherit", "inherit"],
      detached: true,
    },
  );
  const code = await new Promise((resolve) => {
    guard.on("error", (error) => {
      console.error(`cannot run Bun: ${error.message}`);
      resolve(1);
    });
    guard.on("exit", (exitCode, signal) => {
      if (signal !== null) killMarked(guard.pid, mark);
      resolve(exitCode ?? 1);
    });
  });
  const counts = readReport(report) ?? { passed: 0, failed: 0, skipped: 0, failures: [] };
  rmSync(directory, { recursive: true, force: true });
  // A file that could not be loaded, or an error between tests, fails the run without a failed test.
  if (code === LEFT_BEHIND || (code !== 0 && counts.failed === 0)) counts.failed += 1;
  return counts;
}

/** Counts of a JUnit report, and which failed; `null` when there is none, because the run broke off. */
function readReport(file) {
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
  const failures = [];
  for (const [, attributes] of report.matchAll(/<testcase\b([^>]*[^/])>\s*<(?:failure|error)\b/g)) {
    const value = (name) => decoded(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "?");
    const file = value("file");
    failures.push({ file, test: `${file}: ${value("classname")} > ${value("name")}` });
  }
  return { passed: count("tests") - failed - skipped, failed, skipped, failures };
}

/** A text of an XML attribute, as it was. */
function decoded(text) {
  const entities = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name) => entities[name]);
}

/** When even the guard was killed: ends what is in its session or has its mark in the environment. */
function killMarked(session, mark) {
  let names;
  try {
    names = readdirSync("/proc");
  } catch {
    return; // not Linux
  }
  for (const pid of names.filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const itsSession = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      if (itsSession === session || environment.includes(`TEST_RUN=${mark}`)) process.kill(Number(pid), "SIGKILL");
    } catch {
      // gone meanwhile, or another user's
    }
  }
}
