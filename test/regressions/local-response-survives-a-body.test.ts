/** The response to a request with a body for one of the balancer's own paths was lost in a reset. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

test("a client that sends its whole body first still gets the 405", async () => {
  const client = await new TestProxy([await Backend.answering(() => ok())]).connect();
  await client.send(get("/health/live", "Content-Length: 3000000\r\n", "POST"));
  await client.pump(Buffer.alloc(3_000_000));
  expect((await client.message()).status).toBe(405);
  expect(await client.end()).toBe("end");
});
