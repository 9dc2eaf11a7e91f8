import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, type Logger } from "../../../src/telemetry/logger.ts";

let directory: string;
let fd: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-log-"));
  fd = openSync(join(directory, "log"), "a");
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true, force: true });
});

function logger(format: "json" | "text" = "json", level = "info"): Logger {
  return createLogger({ level, format, name: "supervisor", fd });
}

function written(): string {
  return readFileSync(join(directory, "log"), "utf8");
}

function lines(): Record<string, unknown>[] {
  return written()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("the process log", () => {
  test("writes JSON lines at once, with level, time, process and fields", () => {
    logger().warn({ server: "http://a:1", err: new Error("boom") }, "server is down");
    const [line] = lines();
    expect(line).toMatchObject({ level: "warn", process: "supervisor", server: "http://a:1", msg: "server is down" });
    expect(line.err).toMatchObject({ message: "boom" });
    expect(new Date(line.time as string).getTime()).not.toBeNaN();
  });

  test("writes text for people, at once", () => {
    logger("text").info({ port: 8080 }, "listening");
    expect(written()).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: supervisor: listening \{"port":8080\}\n$/);
  });

  test("leaves out what is below its level", () => {
    const log = logger("json", "warn");
    log.info("no");
    log.debug("no");
    log.error("yes");
    expect(lines().map(({ msg }) => msg)).toEqual(["yes"]);
  });

  test("a message is no format string", () => {
    logger().info({ a: 1 }, "100 %s %d %j");
    expect(lines()[0].msg).toBe("100 %s %d %j");
  });

  test("once: says a thing once, children included, until it is rearmed", () => {
    const log = logger();
    const child = log.child({ worker: 1 });
    log.once("queue", "queue is full");
    child.once("queue", "queue is full");
    child.once("other", "something else", { size: 3 });
    log.rearm("queue");
    child.once("queue", "queue is full again");
    expect(lines()).toMatchObject([
      { level: "warn", msg: "queue is full" },
      { worker: 1, size: 3, msg: "something else" },
      { worker: 1, msg: "queue is full again" },
    ]);
  });
});

test.each(["json", "text"] as const)("a reader that has gone does not end the process (%s)", async (format) => {
  const module = new URL("../../../src/telemetry/logger.ts", import.meta.url).href;
  const source = `
    const { createLogger } = await import(${JSON.stringify(module)});
    const log = createLogger({ level: "info", format: "${format}", name: "x" });
    await Bun.stdin.text();
    for (let i = 0; i < 100; i++) log.info("line");
    await Bun.sleep(50);
    for (let i = 0; i < 100; i++) log.info("line");
    console.log("alive");`;
  const child = Bun.spawn([process.execPath, "-e", source], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  await child.stderr.cancel();
  await child.stdin.end();
  expect(await child.stdout.text()).toBe("alive\n");
  expect(await child.exited).toBe(0);
});
