/**
 * Servers whose responses begin well and never come to their end: they are passed over as those are that refuse, also
 * where requests come one at a time, under every strategy.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { STRATEGY_NAMES } from "../../../../src/balancing/registry.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import type { Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const FAILURES = 5;
const SETTINGS = { outlierConsecutiveFailures: FAILURES, hashOn: "header:x-key", responseBodyTimeoutMs: 100 } as const;

/** Ways of not sending all of a response. */
const CUTS: Readonly<Record<string, (server: Wire) => Promise<void>>> = {
  "ends before the length is reached": async (server) => {
    await server.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    server.socket.end();
  },
  "ends before the last chunk": async (server) => {
    await server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    server.socket.end();
  },
  "resets in a body until close": async (server) => {
    await server.send("HTTP/1.1 200 OK\r\n\r\nhalf");
    server.reset();
  },
  "stands still": async (server) => {
    await server.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  },
};

/** Asks once, reads whatever comes, and waits until the proxy has done with it. */
async function ask(proxy: TestProxy, key: number): Promise<void> {
  const client = await proxy.connect();
  await client.send(get("/", `X-Key: ${key}\r\nConnection: close\r\n`));
  await client.end();
  client.destroy();
  await eventually(() => proxy.inFlight === 0);
}

describe.each(Object.entries(CUTS))("a server that %s", (_how, cut) => {
  test.each([...STRATEGY_NAMES])("gets no more after the fifth, one request at a time, under %s", async (strategy) => {
    const bad = await Backend.start(async (server) => {
      await server.message();
      await cut(server);
    });
    const fine = await Promise.all([1, 2].map(() => Backend.answering(() => ok("fine"))));
    const proxy = new TestProxy([fine[0], bad, fine[1]], { settings: { ...SETTINGS, strategy } });
    const { consecutiveFailures } = proxy.memory.servers;
    for (let i = 0; consecutiveFailures[1] < FAILURES && i < 400; i++) {
      const before = consecutiveFailures[1];
      const had = bad.connections.length;
      await ask(proxy, i);
      expect(consecutiveFailures[1]).toBe(before + bad.connections.length - had);
    }
    // Those that learn keep away from it by themselves, and need more requests for that than this test has.
    const learns = consecutiveFailures[1] < FAILURES;
    if (!learns) for (let i = 0; i < 20; i++) await ask(proxy, 1000 + i);
    expect(bad.connections.length).toBe(consecutiveFailures[1]);
    expect(bad.connections.length).toBeGreaterThan(0);
    if (["round_robin", "weighted_round_robin", "random", "consistent_hash"].includes(strategy)) {
      expect(learns).toBe(false);
    }
    expect(proxy.memory.servers.consecutiveFailures[0] + proxy.memory.servers.consecutiveFailures[2]).toBe(0);
  });
});

test("a server that cuts one response now and then keeps its share", async () => {
  let asked = 0;
  const some = await Backend.start(async (server) => {
    await server.message();
    if (++asked % 3 === 0) await CUTS["ends before the length is reached"](server);
    else {
      await server.send(ok("fine", "Connection: close\r\n"));
      server.socket.end();
    }
  });
  const fine = await Backend.answering(() => ok("fine"));
  const proxy = new TestProxy([some, fine], { settings: SETTINGS });
  for (let i = 0; i < 60; i++) await ask(proxy, i);
  expect(asked).toBe(30);
});

test("a download that takes its time ends a streak of refusals with its head", async () => {
  let finish = () => {};
  const server = await Backend.start(async (connection, index) => {
    await connection.message();
    if (index < 3) {
      connection.destroy();
      return;
    }
    await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    await connection.send("full");
  });
  const proxy = new TestProxy([server], { settings: { ...SETTINGS, responseBodyTimeoutMs: 60_000, retryAttempts: 0 } });
  const { consecutiveFailures, consecutiveUnanswered } = proxy.memory.servers;
  for (let i = 0; i < 3; i++) await ask(proxy, i);
  expect([consecutiveFailures[0], consecutiveUnanswered[0]]).toEqual([3, 3]);
  const client = await proxy.connect();
  await client.send(get());
  await client.head();
  expect([consecutiveFailures[0], consecutiveUnanswered[0]]).toEqual([0, 0]);
  expect(proxy.memory.workers[0].responses[0]).toBe(1);
  finish();
  expect((await client.take(8)).toString()).toBe("halffull");
});
