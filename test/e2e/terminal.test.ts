/** `npm start` in a terminal, as a stranger runs it: Ctrl-C, and closing the window. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, Scratch, spawn } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { startLive, type Upstream } from "./support/servers.ts";

const ROOT = join(import.meta.dir, "../..");

describeWith(["node", "npm"], "npm start in a terminal", () => {
  const scratch = new Scratch();
  let live: Upstream;

  beforeAll(async () => {
    live = await startLive();
  });

  afterAll(async () => {
    await live?.stop();
    scratch.remove();
  });

  /** Starts the product and waits until it serves. */
  async function start() {
    let screen = "";
    const child = spawn({
      cmd: [pathOf("npm"), "start"],
      cwd: ROOT,
      env: {
        ...{ PATH: process.env.PATH, HOME: scratch.path, TERM: "xterm" },
        ...{
          SERVERS: live.url,
          APP_HOST: "127.0.0.1",
          APP_PORT: "0",
          ADMIN_PORT: "0",
          WORKERS: "2",
          LOG_FORMAT: "text",
        },
      },
      terminal: {
        cols: 300,
        data(_, chunk) {
          screen += Buffer.from(chunk).toString();
        },
      },
    });
    const port = await until(() => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${screen}`);
      return /balancing over 1 server on port (\d+)/.exec(screen)?.[1];
    });
    const url = `http://127.0.0.1:${port}`;
    await until(async () => (await fetch(`${url}/health/ready`)).ok);
    return { child, url };
  }

  for (const [name, act] of [
    ["Ctrl-C, which npm passes on a second time,", (terminal: Bun.Terminal) => void terminal.write("\x03")],
    ["closing the window", (terminal: Bun.Terminal) => terminal.close()],
  ] as const) {
    test(`${name} lets requests finish and leaves nothing behind`, async () => {
      const { child, url } = await start();
      const answer = fetch(`${url}/held`).then((response) => response.text());
      await until(async () => {
        const [server] = (await (await fetch(`${url}/api/v1/servers`)).json()) as { active_connections: number }[];
        return server.active_connections === 1;
      });
      const started = descendantsOf(child.pid);
      expect(started.length).toBeGreaterThan(2);
      act(child.terminal as Bun.Terminal);
      // It takes no more, and waits for the one that it has.
      await until(async () => !(await fetch(`${url}/health/ready`, { keepalive: false }).catch(() => null))?.ok);
      await fetch(`${live.url}/release`);
      expect(await answer).toBe("begun\nended\n");
      await until(async () => (await fetch(`${url}/health/live`, { keepalive: false }).catch(() => null)) === null);
      await child.exited;
      // npm need not wait for what it has started.
      await until(() => !started.some(isAlive));
    });
  }
});

/** Processes that a process has started, those that they have started, and so on. */
function descendantsOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}
