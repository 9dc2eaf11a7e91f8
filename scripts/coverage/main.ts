/**
 * `npm run test:coverage`: runs the unit tests, or with `--all` those of every tier, or those that are named, and writes
 * coverage/index.html and coverage/lcov.info. Ends as the tests do; the last line says how much ran.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import TIERS from "../test-tiers.json";
import { linesOf, mergeLcov, percent, sum } from "./lcov.ts";
import { filePage, indexPage, pageOf } from "./page.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const OUT = join(ROOT, "coverage");

/** One run of scripts/test.mjs each: its processes write one report. */
function plan(args: readonly string[]): string[][] {
  if (args.includes("--all")) return Object.keys(TIERS).map((tier) => [`--tier=${tier}`]);
  return args.length > 0 ? [["--parallel", ...args]] : [["--tier=unit"]];
}

/** Runs the tests. @returns their report, and whether all passed. */
function measured(args: readonly string[], directory: string): { report: string; passed: boolean } {
  const flags = ["--coverage", "--coverage-reporter=lcov", `--coverage-dir=${directory}`];
  const { status, error } = spawnSync("node", [join(ROOT, "scripts/test.mjs"), ...args, ...flags], {
    stdio: "inherit",
  });
  if (error) throw new Error(`cannot run Node.js: ${error.message}`);
  const file = join(directory, "lcov.info");
  return { report: existsSync(file) ? readFileSync(file, "utf8") : "", passed: status === 0 };
}

function main(args: readonly string[]): number {
  const directory = mkdtempSync(join(tmpdir(), "nb-coverage-"));
  try {
    const runs = plan(args).map((each, i) => measured(each, join(directory, String(i))));
    const text = runs.map(({ report }) => report).join("");
    const files = [...mergeLcov([text]).values()].filter(({ path }) => path.startsWith("src/"));
    if (files.length === 0) {
      console.error("coverage: the tests left no report: they broke off, or nothing of src/ ran");
      return 1;
    }
    rmSync(OUT, { recursive: true, force: true });
    const write = (name: string, content: string) => {
      mkdirSync(dirname(join(OUT, name)), { recursive: true });
      writeFileSync(join(OUT, name), content);
    };
    for (const file of files) write(pageOf(file.path), filePage(file, readFileSync(join(ROOT, file.path), "utf8")));
    write("lcov.info", text);
    write("index.html", indexPage(files, `Tests: ${args.length === 0 ? "unit" : args.join(" ")}`));
    const lines = sum(files.map(linesOf));
    console.log(`coverage: ${percent(lines)} of ${lines.found} lines in ${files.length} files; coverage/index.html`);
    return runs.every(({ passed }) => passed) ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = main(process.argv.slice(2));
