/**
 * .pre-commit-config.yaml, as pre-commit runs it in a repository of its own (`npm run build:pre-commit`), and the scripts for the
 * shell, as shellcheck reads them.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, Scratch } from "../../support/processes.ts";
import { describeWith } from "../support/programs.ts";

const ROOT = join(import.meta.dir, "../../..");
const PROGRAM = join(ROOT, "node_modules/.cache/pre-commit/bin/pre-commit");

describe("the hook for messages", () => {
  const scratch = new Scratch();
  afterAll(() => scratch.remove());

  test.each([
    ["feat: something", 0],
    ["fix(http2)!: something", 0],
    ["# a comment of git's\n\ndocs: something\n\nand why", 0],
    ["Merge branch 'main' into next", 0],
    ["", 0], // git itself refuses it
    ["something", 1],
    ["feat:", 1],
    ["Feat: something", 1],
    ["something\n# ------ >8 ------\nfeat: no", 1],
  ])("%p", async (message, code) => {
    const file = scratch.file("MESSAGE");
    writeFileSync(file, message);
    expect(await run(["node", join(ROOT, "scripts/hooks/commit-message.mjs"), file])).toMatchObject({ code });
  });
});

/** Left out where programs of PyPI cannot be had; .ci/run says so. */
if (existsSync(PROGRAM)) {
  describe("pre-commit", () => {
    const scratch = new Scratch();
    const repository = scratch.file("repository");
    /** Types are looked at for the whole project: that is what `npm run typecheck` is for. */
    const env = {
      ...{ GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", SKIP: "types", HOME: scratch.path },
      ...{ GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@example.org", GIT_COMMITTER_NAME: "a", NO_COLOR: "1" },
      ...{ GIT_COMMITTER_EMAIL: "a@example.org", PRE_COMMIT_HOME: scratch.file("home") },
    };
    const git = (...args: string[]) => run(["git", ...args], { cwd: repository, env });
    const write = (name: string, text: string) => writeFileSync(join(repository, name), text);

    beforeAll(async () => {
      mkdirSync(repository);
      for (const name of [".pre-commit-config.yaml", "scripts/hooks", "biome.json", ".gitignore"]) {
        mkdirSync(dirname(join(repository, name)), { recursive: true });
        cpSync(join(ROOT, name), join(repository, name), { recursive: true });
      }
      symlinkSync(join(ROOT, "node_modules"), join(repository, "node_modules"));
      await git("init", "-q");
      const installed = await run([PROGRAM, "install"], { cwd: repository, env });
      expect([installed.code, installed.text.match(/pre-commit installed/g)?.length]).toEqual([0, 2]);
    });
    afterAll(() => scratch.remove());

    test("a commit that is well passes, one that is not is refused with what is wrong", async () => {
      write("right.ts", "export const a = 1;\n");
      await git("add", "right.ts");
      const good = await git("commit", "-m", "feat: something");
      expect([good.code, good.stderr]).toEqual([0, expect.stringContaining("biome")]);

      write("wrong.ts", "export const a=1\n");
      await git("add", "wrong.ts");
      const bad = await git("commit", "-m", "feat: something else");
      expect(bad.stderr).toMatch(/^biome\.+Failed$/m);
      await git("rm", "-q", "--cached", "wrong.ts");

      write("right.ts", "export const a = 2;\n");
      await git("add", "right.ts");
      const unclear = await git("commit", "-m", "something");
      expect(unclear.stderr).toContain("The first line of the message is: something");
      expect([bad.code, unclear.code]).toEqual([1, 1]);
      expect((await git("log", "--format=%s")).text).toBe("feat: something\n");
    });
  });
}

describeWith(["shellcheck", "git"], "shellcheck", () => {
  test("finds nothing in any script for the shell", async () => {
    const { text } = await run(["git", "grep", "-lE", "^#!/(usr/)?bin/(env )?(ba|da)?sh"], { cwd: ROOT });
    const scripts = text.trim().split("\n");
    expect(scripts).toEqual(expect.arrayContaining([".ci/run", "bin/neurabalancer", "scripts/deploy_model.sh"]));
    const { code, text: found } = await run(["shellcheck", ...scripts], { cwd: ROOT });
    expect([code, found]).toEqual([0, ""]);
  });
});
