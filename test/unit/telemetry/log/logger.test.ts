import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, type Logger } from "../../../../src/telemetry/log/logger.ts";
import { turn } from "../../../support/turn.ts";

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
    expect(written()).toMatch(
      /^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] INFO: supervisor: listening \{"port":8080\}\n$/,
    );
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

  test("once: says a thing once, children included", () => {
    const log = logger();
    const child = log.child({ worker: 1 });
    log.once("queue", "queue is full");
    child.once("queue", "queue is full");
    child.once("other", "something else", { size: 3 });
    expect(lines()).toMatchObject([
      { level: "warn", msg: "queue is full" },
      { worker: 1, size: 3, msg: "something else" },
    ]);
  });
});

// The device is Linux's; every write to it fails.
test.skipIf(!existsSync("/dev/full")).each(["json", "text"] as const)(
  "a log that takes nothing any more does not end the process (%s)",
  async (format) => {
    const full = openSync("/dev/full", "a");
    try {
      const log = createLogger({ level: "info", format, name: "x", fd: full });
      for (let i = 0; i < 100; i++) log.error({ i }, "nobody reads this");
      for (let i = 0; i < 10; i++) await turn(); // an error that is only told later would end the process here
    } finally {
      closeSync(full);
    }
  },
);
