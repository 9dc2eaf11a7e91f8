/** The commands of scripts/release/ as CD runs them, on the repository as it is. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../../support/processes.ts";

const ROOT = join(import.meta.dir, "../../../..");
const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const bun = (script: string, ...args: string[]) =>
  run([process.execPath, join(ROOT, "scripts/release", script), ...args]);

test("the version of this state could be tagged", async () => {
  const { code, text, stderr } = await bun("check.ts", `v${version}`);
  expect({ code, text, stderr }).toEqual({ code: 0, text: `version=${version}\nprerelease=false\n`, stderr: "" });
});

test("another one could not, and every file that contradicts is named", async () => {
  const { code, text, stderr } = await bun("check.ts", "v99.0.0");
  expect({ code, text }).toEqual({ code: 1, text: "" });
  const lines = stderr.split("\n");
  expect(lines[0]).toBe("the tag is v99.0.0, but");
  expect(lines).toContain(`  package.json, version says "${version}"`);
  expect(lines).toContain(`  deployments/argocd/application.yaml, targetRevision says "${version}"`);
  expect(lines.at(-2)).toBe("no release: mend it, and tag the commit that does");
});

test("its notes are those of CHANGELOG.md", async () => {
  const { code, text } = await bun("notes.ts", `v${version}`, "owner/name");
  expect(code).toBe(0);
  expect(text).toContain("\n### Added\n");
  expect(text).not.toContain("## [");
});

test.each(["check.ts", "notes.ts"])("%s without a tag says what it wants", async (script) => {
  const { code, stderr } = await bun(script);
  expect(code).toBe(1);
  expect(stderr).toStartWith(`which tag? bun scripts/release/${script} v1.2.3`);
});
