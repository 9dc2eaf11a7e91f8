/** A 101 that nobody asked for was counted as a failure of a response that was never counted: error rates above 1. */
import { afterEach, expect, test } from "bun:test";
import { Backend, cleanUp, get, TestProxy } from "../support/proxy-harness.ts";

afterEach(cleanUp);

test("a switch of protocols that nobody asked for is an attempt without an answer", async () => {
  const backend = await Backend.answering(
    () => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
  );
  const proxy = new TestProxy([backend]);
  expect((await proxy.ask(get())).status).toBe(502);
  const { responses, failures, unanswered } = proxy.memory.workers[0];
  expect([responses[0], failures[0], unanswered[0]]).toEqual([0, 1, 1]);
});
