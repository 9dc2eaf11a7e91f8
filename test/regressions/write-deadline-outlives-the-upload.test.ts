/** The end of an upload took away the deadline of a client that did not read the response that had begun meanwhile. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

test("a client that stops reading an early answer is cut off", async () => {
  const backend = await Backend.start(async (server) => {
    await server.head();
    await server.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    await server.pump(Buffer.alloc(20_000_000));
  });
  const proxy = new TestProxy([backend], { settings: { responseBodyTimeoutMs: 300, requestBodyTimeoutMs: 5000 } });
  const client = await proxy.connect();
  await client.send(get("/", "Content-Length: 10\r\n", "POST"));
  await client.until(() => client.received > 0);
  client.socket.pause();
  await Bun.sleep(100);
  await client.send("0123456789");
  await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  expect(proxy.inFlight).toBe(0);
});
