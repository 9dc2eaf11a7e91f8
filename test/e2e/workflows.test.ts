/**
 * The files of .github/ read by programs that know what GitHub takes: actionlint (with shellcheck for the commands in them) is
 * built where Go is at hand (`npm run build:actionlint`), zizmor and check-jsonschema come from PyPI. None of them asks anybody.
 */
import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/github/workflows.ts";
import { run } from "../support/processes.ts";

const ACTIONLINT = join(ROOT, "node_modules/.cache/actionlint");
const SHELLCHECK = Bun.which("shellcheck");
const ZIZMOR = process.env.ZIZMOR ?? Bun.which("zizmor");
const CHECK_JSONSCHEMA = process.env.CHECK_JSONSCHEMA ?? Bun.which("check-jsonschema");
const DEADLINE = { deadlineMs: 110_000 };

const filesOf = (folder: string): string[] => readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name));
const WORKFLOWS = filesOf(".github/workflows");

test.skipIf(!existsSync(ACTIONLINT) || SHELLCHECK === null)("actionlint and shellcheck find nothing", async () => {
  const { text, stderr, code } = await run([ACTIONLINT, "-shellcheck", SHELLCHECK as string, ...WORKFLOWS], DEADLINE);
  expect({ found: text + stderr, code }).toEqual({ found: "", code: 0 });
});

test.skipIf(ZIZMOR === null)("zizmor finds nothing that could be attacked", async () => {
  const options = ["--offline", "--persona=pedantic", "--quiet", "--no-progress"];
  const { text, stderr, code } = await run([ZIZMOR as string, ...options, join(ROOT, ".github")], DEADLINE);
  expect({ found: text + stderr, code }).toEqual({
    found: expect.stringMatching(/^(No findings.*\n?)?$/),
    code: 0,
  });
});

test.skipIf(CHECK_JSONSCHEMA === null).each([
  ["github-workflows", WORKFLOWS],
  ["dependabot", [join(ROOT, ".github/dependabot.yml")]],
  ["github-issue-forms", filesOf(".github/ISSUE_TEMPLATE").filter((path) => !path.endsWith("/config.yml"))],
  ["github-issue-config", [join(ROOT, ".github/ISSUE_TEMPLATE/config.yml")]],
])("files of the kind %s are as the schema of that kind has it", async (kind, files) => {
  const argv = [CHECK_JSONSCHEMA as string, "--builtin-schema", `vendor.${kind}`, ...files];
  const { text, stderr, code } = await run(argv, DEADLINE);
  expect({ said: text + stderr, code }).toEqual({ said: "ok -- validation done\n", code: 0 });
});
