/** Each invariant names a test that exists, so that neither can be lost without the other. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../../..");
const DOCUMENT = readFileSync(join(ROOT, "docs/invariants.md"), "utf8");

interface Guard {
  readonly file: string;
  readonly title: string;
}

const guards: Guard[] = [...DOCUMENT.matchAll(/^\| .+ \| `([^`]+)` \| (.+) \|$/gm)].map(([, file, title]) => ({
  file,
  title: title.trim(),
}));

test("every line of the tables is read", () => {
  const rows = DOCUMENT.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| Invariant"));
  expect(guards.length).toBe(rows.length);
  expect(guards.length).toBeGreaterThan(30);
});

test.each(guards)("$file has the test: $title", ({ file, title }) => {
  expect(existsSync(join(ROOT, file))).toBe(true);
  const source = readFileSync(join(ROOT, file), "utf8").replaceAll(/\(\s+"/g, '("');
  // As an argument of a test: a mention in a comment guards nothing.
  expect(source).toContain(`("${title}"`);
});
