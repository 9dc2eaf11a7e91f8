/** `npm test`: what it counts, what it says at its end, and what it runs again. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT, run } from "../cli/spawn.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-runner-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("npm test", () => {
  const sample = () => join(directory, "sample.test.ts");

  function runTests(source: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    writeFileSync(sample(), `import { expect, test } from "bun:test";\n${source}`);
    const { code, stdout } = run("node", [join(ROOT, "scripts/test.mjs"), sample(), ...args], env);
    const lines = stdout.trimEnd().split("\n");
    return { code, last: lines.at(-1), remarks: lines.filter((line) => /^(failed|unsteady)\b/.test(line)) };
  }

  test("ends with the counts and exits with 0", () => {
    const source = 'test("a", () => {});\ntest("b", () => {});';
    expect(runTests(source)).toEqual({ code: 0, last: "2 passed, 0 failed", remarks: [] });
    expect(runTests(source, ["-t", "a"])).toMatchObject({ code: 0, last: "1 passed, 0 failed, 1 skipped" });
  });

  test("counts failures and skips, and exits with 1", () => {
    const source = 'test("a", () => expect(1).toBe(2));\ntest("b", () => {});\ntest.skip("c", () => {});';
    const failed = `failed: ${sample()}:  > a`;
    expect(runTests(source)).toEqual({ code: 1, last: "1 passed, 1 failed, 1 skipped", remarks: [failed] });
  });

  test("what failed is run once more with --again, and named where it passes then", () => {
    const once = `import { existsSync, writeFileSync } from "node:fs";
      const isSecond = existsSync("${join(directory, "been")}");
      writeFileSync("${join(directory, "been")}", "");
      test("a", () => {});
      test("b", () => expect(isSecond).toBe(true));
      test("c", () => expect(process.env.ALWAYS).toBe("set"));`;
    expect(runTests(once)).toMatchObject({ code: 1, last: "1 passed, 2 failed" });
    rmSync(join(directory, "been"));
    expect(runTests(once, ["--again"])).toEqual({
      code: 1,
      last: "2 passed, 1 failed",
      remarks: [`unsteady, it failed beside others and passed alone: ${sample()}:  > b`, `failed: ${sample()}:  > c`],
    });
    rmSync(join(directory, "been"));
    expect(runTests(once, ["--again", "-t", "b"])).toMatchObject({ code: 0, last: "1 passed, 0 failed, 2 skipped" });
  });

  test("TEST_SEED decides what property tests try", () => {
    const source = `import fc from "${join(ROOT, "node_modules/fast-check")}";
      import { appendFileSync } from "node:fs";
      test("a", () => appendFileSync("${join(directory, "tried")}", fc.sample(fc.nat(), 5).join() + "\\n"));`;
    for (const seed of ["-2147483648", "-2147483648", "8"]) runTests(source, [], { TEST_SEED: seed });
    const tried = readFileSync(join(directory, "tried"), "utf8").split("\n");
    expect(tried[1]).toBe(tried[0]);
    expect(tried[2]).not.toBe(tried[0]);
    expect(runTests(source, [], { TEST_SEED: "2147483648" })).toMatchObject({ code: 1 });
  });

  test("a file that cannot be loaded is a failure", () => {
    const { code, last } = runTests('throw new Error("at load");');
    expect(code).toBe(1);
    expect(last).toMatch(/^0 passed, [1-9]\d* failed$/);
  });
});
