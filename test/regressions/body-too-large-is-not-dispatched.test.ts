/** A request refused for its body's size was dispatched all the same, with its head already forgotten. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

const chunked = `${get("/", "Transfer-Encoding: chunked\r\n", "POST")}32\r\n${"x".repeat(50)}\r\n0\r\n\r\n`;

test.each([
  ["announced", get("/", "Content-Length: 50\r\n", "POST") + "x".repeat(50)],
  ["arrived with the head", chunked],
])("a body that is too large: %s", async (_, request) => {
  const backend = await Backend.answering(() => ok());
  const proxy = new TestProxy([backend], { settings: { maxBodyBytes: 10 } });
  const client = await proxy.connect();
  await client.send(request);
  expect((await client.message()).status).toBe(413);
  expect(await client.end()).toBe("end");
  expect((await proxy.ask(get())).status).toBe(200);
  expect(proxy.logged).toEqual([]);
  expect(backend.connections.length).toBe(1);
  expect(proxy.inFlight).toBe(0);
});
