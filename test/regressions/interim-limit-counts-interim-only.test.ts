/** The final response counted as an interim one, so that the last permitted interim response led to 502. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, get, ok, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

test("sixteen interim responses are passed on, and then the answer", async () => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
  const backend = await Backend.answering(() => early.repeat(16) + ok("x").toString());
  const client = await new TestProxy([backend]).connect();
  await client.send(get());
  for (let i = 0; i < 16; i++) expect((await client.message()).status).toBe(103);
  expect((await client.message()).status).toBe(200);
});
