/** When the system's clock is set, access lines, `Date` fields and answers follow it, as the process log does. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../support/proxy-harness.ts";
import { singleValue } from "../support/wire.ts";

afterEach(cleanUp);

test.each([86_400_000, -86_400_000])("by %d ms: every time that is shown follows, durations do not", async (stepMs) => {
  let setByMs = 0;
  const proxy = new TestProxy([await Backend.answering(() => ok("12345"))], {
    settings: { accessLog: true },
    epochOffsetMs: () => performance.timeOrigin + setByMs,
  });
  const isNear = (ms: number) => Math.abs(ms - (Date.now() + setByMs)) < 60_000;
  const liveAt = async () =>
    Date.parse((JSON.parse((await proxy.ask(get("/health/live"))).body.toString()) as { ts: string }).ts);
  await proxy.ask(get("/before"));
  expect(isNear(await liveAt())).toBe(true);
  setByMs = stepMs;
  await eventually(async () => isNear(await liveAt()));
  await proxy.ask(get("/after"));
  const refused = await proxy.ask("GET / HTTP/1.1\r\n\r\n");
  expect(isNear(Date.parse(singleValue(refused, "date") ?? ""))).toBe(true);
  const lines = (await proxy.logLines(3)).map(
    (line) => JSON.parse(line) as { ts: string; path: string; duration_ms: number },
  );
  expect(lines.map(({ path }) => path)).toEqual(["/before", "/after", ""]);
  expect(isNear(Date.parse(lines[1].ts))).toBe(true);
  expect(isNear(Date.parse(lines[0].ts))).toBe(false);
  for (const { duration_ms } of lines) {
    expect(duration_ms).toBeGreaterThanOrEqual(0);
    expect(duration_ms).toBeLessThan(60_000);
  }
});
