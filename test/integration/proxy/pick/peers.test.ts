/** What a worker makes of other instances' requests, which the supervisor puts into the totals. */
import { afterEach, expect, test } from "bun:test";
import { PeerFigure } from "../../../../src/shared/memory/layout/peers.ts";
import { MAX_SERVERS } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { setPeers } from "../../../../src/shared/memory/peers.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import type { WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

/** So many requests of others at the first server. */
function others(proxy: TestProxy, requests: number): void {
  const column = (value: number) => new Int32Array(MAX_SERVERS).fill(value, 0, 1);
  const told = { inFlight: column(requests), workInFlight: column(0), transferring: column(0) };
  setPeers(proxy.memory, told, performance.now());
}

test("they take no place of a hard limit, and are gone when the supervisor is silent for two seconds", async () => {
  const held: (() => void)[] = [];
  const backend = await Backend.answering(async () => {
    await new Promise<void>((release) => held.push(release));
    return ok();
  });
  const proxy = new TestProxy([{ port: backend.port, hardLimit: 2 }]);
  others(proxy, 50);
  const answers: Promise<WireMessage>[] = [];
  for (let i = 0; i < 3; i++) answers.push(proxy.ask(get()));
  await eventually(() => held.length === 2 && proxy.counter("QUEUE_LENGTH") === 1);
  await eventually(() => proxy.memory.peers.figures[PeerFigure.HEARD_MS] === 0);
  expect(proxy.memory.peers.inFlight[0]).toBe(0);
  expect(proxy.inFlight).toBe(2);
  held.shift()!();
  await eventually(() => held.length === 2);
  for (const release of held) release();
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(proxy.inFlight).toBe(0);
});

test("strategies count them", async () => {
  const backends = await Promise.all([0, 1].map((at) => Backend.answering(() => ok(String(at)))));
  const proxy = new TestProxy(
    backends.map(({ port }) => ({ port })),
    { settings: { strategy: "least_connections" } },
  );
  for (let i = 0; i < 6; i++) {
    others(proxy, 5); // what is told is believed for two seconds
    expect(String((await proxy.ask(get())).body)).toBe("1");
  }
});
