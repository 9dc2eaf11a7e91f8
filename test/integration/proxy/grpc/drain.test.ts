/** Calls that go on for long when the worker finishes: their clients are told, and they have the time that there is. */
import { afterEach, expect, test } from "bun:test";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { collect, EchoClient, startEchoServer } from "../../../support/grpc/echo-service.ts";
import { Http2Wire } from "../../../support/http2/wire.ts";
import { cleanUp, TestProxy } from "../../../support/proxy-harness.ts";
import { until } from "../../../support/until.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
  cleanUp();
});

async function talking(shutdownTimeoutMs: number, number = 1) {
  const servers = await Promise.all(Array.from({ length: number }, () => startEchoServer()));
  for (const server of servers) closing.push(() => server.stop());
  const proxy = new TestProxy(
    servers.map(({ port }) => ({ port, http2: true })),
    { settings: { shutdownTimeoutMs } },
  );
  const client = new EchoClient(proxy.port);
  closing.push(() => client.close());
  const heard: string[] = [];
  const call: ClientDuplexStream<Buffer, Buffer> = client.bidi();
  call.on("data", (message: Buffer) => heard.push(String(message)));
  const result = collect(call);
  const say = async (word: string): Promise<void> => {
    call.write(Buffer.from(word));
    await until(() => heard.includes(word));
  };
  await say("before");
  return { servers, proxy, client, call, result, heard, say };
}

test("a call goes on and ends in its own time, while others are turned away", async () => {
  const { proxy, client, call, result, heard, say } = await talking(60_000);
  const other = await Http2Wire.connect(proxy.port);
  await other.ping();
  let isDrained = false;
  const drained = new Promise<void>((resolve) =>
    proxy.server.drain(() => {
      isDrained = true;
      resolve();
    }),
  );
  // Everybody is told first; who has nothing under way is gone.
  await until(() => other.goaway !== null && other.wire.ended !== null);
  await say("after");
  expect((await client.unary(Buffer.from("too late"), 5000)).code).not.toBe(0);
  await say("still");
  expect(isDrained).toBe(false);
  call.end();
  expect((await result).code).toBe(0);
  expect(heard).toEqual(["before", "after", "still"]);
  await drained;
  expect(proxy.counter("CONNECTIONS_OPEN")).toBe(0);
});

test("one that outlasts SHUTDOWN_TIMEOUT_SECONDS does not hold up the end", async () => {
  const { proxy, say } = await talking(300);
  const drained = new Promise<void>((resolve) => proxy.server.drain(resolve));
  await say("after");
  await drained;
  expect(proxy.inFlight).toBe(1);
});

test("a server that leaves: calls that it has go on there, and new ones go elsewhere", async () => {
  const { servers, proxy, client, call, result, heard, say } = await talking(60_000, 2);
  const at = [0, 1].find((slot) => proxy.memory.servers.inFlight[slot] === 1) ?? 0;
  const left = servers[at].drain();
  for (let i = 0; i < 20; i++) {
    const { code, messages } = await client.unary(Buffer.from(`call ${i}`));
    expect([code, messages.join("")]).toEqual([0, `call ${i}`]);
  }
  await say("after");
  call.end();
  expect((await result).code).toBe(0);
  expect(heard).toEqual(["before", "after"]);
  await left;
});
