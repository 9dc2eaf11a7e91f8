/** The guard of test runs: nothing that a run starts outlives it, however it ends. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, Scratch, spawn } from "../../support/processes.ts";
import { until } from "../../support/until.ts";

const GUARD = join(import.meta.dir, "../../../scripts/test-guard.ts");

let scratch: Scratch;
afterEach(() => scratch.remove());

/** Runs a shell script under a guard. Each line that it writes into `pids` is a process number. */
function guarded(script: string, limitSeconds = 100, graceSeconds = 0.5) {
  scratch = new Scratch();
  const directory = scratch.file("run");
  mkdirSync(join(directory, "tmp"), { recursive: true });
  const limits = [String(limitSeconds), String(graceSeconds)];
  const child = spawn([process.execPath, "--no-env-file", GUARD, ...limits, "bash", "-c", script], {
    env: { PATH: process.env.PATH, TMPDIR: join(directory, "tmp"), PIDS: scratch.file("pids"), TEST_RUN: "none" },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = new Response(child.stderr).text();
  const pids = async (count: number) => {
    const read = () => (existsSync(scratch.file("pids")) ? readFileSync(scratch.file("pids"), "utf8") : "");
    await until(() => read().split("\n").length > count);
    return read().trim().split("\n").map(Number);
  };
  return { child, said, pids, directory };
}

/** A child, and one that has lost its parent and left its session. */
const TWO = "sleep 600 & echo $! >>$PIDS; (setsid bash -c 'echo $$ >>$PIDS; exec sleep 601' &);";

describe.skipIf(process.platform !== "linux")("the guard of test runs", () => {
  test("passes on how the command ended when it leaves nothing", async () => {
    const { child, said } = guarded("sleep 0.2 & exit 3", 100, 30);
    expect(await child.exited).toBe(3);
    expect(await said).toBe("");
  });

  test("names and ends what the command leaves behind, processes and files", async () => {
    const { child, said, pids, directory } = guarded(`${TWO} touch $TMPDIR/left; sleep 0.2`);
    const started = await pids(2);
    expect(await child.exited).toBe(70);
    expect(started.filter(isAlive)).toEqual([]);
    for (const part of ["sleep 600", "sleep 601", "of test/integration/scripts/test-guard.test.ts", "tmp/left"]) {
      expect(await said).toContain(part);
    }
    expect(existsSync(join(directory, "tmp"))).toBe(false);
  });

  test("ends everything when the command is killed", async () => {
    const { child, pids } = guarded(`${TWO} echo $$ >>$PIDS.main; sleep 602; true`);
    const started = await pids(2);
    await until(() => existsSync(scratch.file("pids.main")));
    process.kill(Number(readFileSync(scratch.file("pids.main"), "utf8")), "SIGKILL");
    expect(await child.exited).toBe(70);
    expect(started.filter(isAlive)).toEqual([]);
  });

  test("ends everything when nobody is there any more who started it", async () => {
    const { child, pids, directory } = guarded(`${TWO} sleep 602`);
    const started = await pids(2);
    child.stdin.end();
    await child.exited;
    expect(started.filter(isAlive)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
  });

  test("ends everything when the time is over, and says so", async () => {
    const { child, said, pids } = guarded(`${TWO} sleep 602`, 2);
    const started = await pids(2);
    expect(await child.exited).toBe(124);
    expect(await said).toContain("did not end within 2 s");
    expect(started.filter(isAlive)).toEqual([]);
  });

  test("ends everything at a signal, also when the command ignores it", async () => {
    const { child, pids } = guarded(`trap '' TERM; ${TWO} sleep 602; sleep 603`);
    const started = await pids(2);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(130);
    expect(started.filter(isAlive)).toEqual([]);
  });
});
