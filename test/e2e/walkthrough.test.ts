/** DEMO_WALKTHROUGH.md is run as its readers would run it, and is true; one that is not true is found out. */
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasPostgres } from "../support/databases/postgres-server.ts";
import { type Outcome, run, Scratch } from "../support/processes.ts";
import { describeWith } from "./support/programs.ts";

const REPLAY = join(import.meta.dir, "../../scripts/walkthrough/replay.ts");
/** A minute and a half where the machine has nothing else to do. Where it has, a training may find nothing at first, and comes again. */
const DEADLINE_MS = 600_000;
const scratch = new Scratch();
afterAll(() => scratch.remove());

function replay(...args: string[]): Promise<Outcome> {
  const command = [process.execPath, "--no-install", REPLAY, ...args];
  return run(command, { deadlineMs: DEADLINE_MS, ...(process.env.LOKI && { env: { LOKI: process.env.LOKI } }) });
}

/** A replay of a document with this text. */
function replayOf(name: string, text: string): Promise<Outcome> {
  const path = scratch.file(name);
  writeFileSync(path, text);
  return replay("--document", path);
}

const PROGRAMS = ["curl", "jq", "openssl", "psql", "redis-server", "prometheus", "chromium"] as const;

describeWith(PROGRAMS, "the walkthrough", () => {
  describe.skipIf(!hasPostgres)("where PostgreSQL is installed", () => {
    test(
      "everything in it that needs no containers is as it says",
      async () => {
        const { code, text, stderr } = await replay();
        const failed = text.split("\n").filter((line) => !line.startsWith("passed"));
        expect({ code, failed, stderr }).toMatchObject({ code: 0, failed: expect.any(Array) });
        const [, passed, notRun] = /^(\d+) passed, 0 failed, (\d+) not run$/m.exec(text) ?? [];
        expect(Number(passed)).toBeGreaterThan(25);
        expect(Number(notRun)).toBeLessThan(10);
      },
      DEADLINE_MS,
    );

    test("a text that is not true fails, and what was printed instead is said", async () => {
      const text =
        "# Sums\n\n```sh\necho $((1 + 1))\n```\n\n```text\n3\n```\n<!-- expect\n3\n-->\n\n```sh\nfalse\n```\n\n```sh\ntrue\n```\n";
      const { code, text: said } = await replayOf("false.md", text);
      expect(said).toContain(
        "failed   line 3, Sums: echo $((1 + 1))\n         line 1 should be\n           3\n         and is\n           2\n",
      );
      expect(said).toContain("failed   line 14, Sums: false\n         exit code 1\n");
      expect(said).toEndWith("1 passed, 2 failed, 0 not run\n");
      expect(code).toBe(1);
    });

    test("a document of which nothing can be run proves nothing", async () => {
      const { code, stderr } = await replayOf("none.md", "```sh\ndocker compose ps\n```\n<!-- needs containers -->\n");
      expect(stderr).toContain("walkthrough: nothing was run: that proves nothing");
      expect(code).toBe(1);
    });
  });
});
