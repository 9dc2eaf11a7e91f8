/** Clients that give up, on connections of HTTP/2 to servers that they share with others. */
import { afterEach, expect, test } from "bun:test";
import { Frame, Http2TestServer } from "../../../support/http2/server.ts";
import { cleanUp, get, TestProxy } from "../../../support/proxy-harness.ts";
import { until } from "../../../support/until.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  cleanUp();
  for (const close of closing.splice(0)) close();
});

const AT_ONCE = 25;
/** What takes its time here is not to be given up for it. */
const PATIENT = { settings: { responseHeadTimeoutMs: 600_000 } };

/** Has so many clients ask and go away, some at once. @param seen how many requests the server has seen. */
async function giveUp(proxy: TestProxy, times: number, seen: () => number): Promise<void> {
  for (let left = times; left > 0; left -= AT_ONCE) {
    const before = seen();
    const clients = await Promise.all(Array.from({ length: AT_ONCE }, () => proxy.connect()));
    for (const client of clients) void client.send(get("/given-up"));
    await until(() => seen() === before + AT_ONCE);
    for (const client of clients) client.reset();
    await until(() => proxy.inFlight === 1);
  }
}

test("no connection gets so many resets that its server has to think of an attack; what is on it goes on", async () => {
  const server = await Http2TestServer.start();
  closing.push(() => server.stop());
  const proxy = new TestProxy([{ port: server.port, http2: true }], PATIENT);
  const answer = proxy.ask(get("/slow"));
  const slow = await until(() => server.streams[0]);
  await giveUp(proxy, 450, () => server.streams.length - 1);
  const resets = server.connections.map((connection) => connection.framesOf(Frame.RST_STREAM).length);
  expect(resets.length).toBeGreaterThanOrEqual(2);
  expect(Math.max(...resets)).toBeLessThan(400);
  slow.headers([[":status", "200"]]);
  slow.data("done", true);
  expect((await answer).body.toString()).toBe("done");
});
