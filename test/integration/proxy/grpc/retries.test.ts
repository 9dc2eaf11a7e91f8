/** `RETRY_ON_GRPC_STATUS`: which calls are made again elsewhere, and which answers are their client's. */
import { afterEach, describe, expect, test } from "bun:test";
import { Metadata } from "@grpc/grpc-js";
import {
  type EchoBehaviour,
  EchoClient,
  type EchoServer,
  startEchoServer,
} from "../../../support/grpc/echo-service.ts";
import { cleanUp, type ProxyOptions, TestProxy } from "../../../support/proxy-harness.ts";
import { until } from "../../../support/until.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
  cleanUp();
});

const UNAVAILABLE = 14;
const RETRYING = { retryOnGrpcStatus: [8, UNAVAILABLE], retryBudgetPercent: 100 };

async function serve(behaviour: EchoBehaviour = {}): Promise<EchoServer> {
  const server = await startEchoServer(behaviour);
  closing.push(() => server.stop());
  return server;
}

/** Answers each call with a status and nothing else, and counts them. */
async function failing(code = UNAVAILABLE, fields: Readonly<Record<string, string>> = {}) {
  const seen = { asked: 0 };
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  const answer = () => {
    seen.asked++;
    return { code, details: "not now", metadata };
  };
  const server = await serve({ unary: answer, clientStream: (_call, callback) => callback(answer()) });
  return { server, seen };
}

function through(servers: readonly EchoServer[], settings: ProxyOptions["settings"] = RETRYING) {
  const proxy = new TestProxy(
    servers.map(({ port }) => ({ port, http2: true })),
    { settings },
  );
  const client = new EchoClient(proxy.port);
  closing.push(() => client.close());
  return { proxy, client };
}

const text = (messages: readonly Buffer[]): string => Buffer.concat(messages).toString();

async function unary(client: EchoClient, times: number, message = (i: number) => Buffer.from(`call ${i}`)) {
  const codes: number[] = [];
  for (let i = 0; i < times; i++) {
    const { code, messages } = await client.unary(message(i));
    codes.push(code);
    if (code === 0) expect(messages[0].equals(message(i))).toBe(true);
  }
  return codes;
}

describe("what is made again", () => {
  test.each([8, UNAVAILABLE])(
    "a call that ended with status %p and no message, wherever its own came",
    async (code) => {
      const { server, seen } = await failing(code);
      const { client, proxy } = through([server, await serve()]);
      expect(await unary(client, 20)).toEqual(new Array(20).fill(0));
      expect(seen.asked).toBeGreaterThan(0);
      expect(proxy.counter("RETRIES")).toBe(seen.asked);
      expect(proxy.memory.workers[0].failures[0]).toBe(code === UNAVAILABLE ? seen.asked : 0);
      expect(proxy.inFlight).toBe(0);
    },
  );

  test("one whose client goes on sending: all that it has said is said again, in order", async () => {
    const { server, seen } = await failing();
    const { client, proxy } = through([server, await serve()]);
    const messages = Array.from({ length: 200 }, (_, i) => Buffer.from(`<${i}>`));
    for (let i = 0; i < 10; i++) {
      const result = await client.clientStream(messages);
      expect([result.code, text(result.messages)]).toEqual([0, messages.join("")]);
    }
    expect(seen.asked).toBeGreaterThan(0);
    expect(proxy.counter("RETRIES")).toBe(seen.asked);
    expect(proxy.logged).toEqual([]);
  });

  test("messages that the server has had, each in a packet of its own", async () => {
    const heard = [0, 0];
    const servers = await Promise.all(
      heard.map((_, at) =>
        serve({
          clientStream: (call, callback) => {
            const messages: Buffer[] = [];
            call.on("data", (message: Buffer) => {
              messages.push(message);
              heard[at]++;
              // Who has had the first five first has no time for more.
              if (heard[at] === 5 && heard[1 - at] === 0) callback({ code: UNAVAILABLE, details: "not now" });
            });
            call.on("end", () => callback(null, Buffer.concat(messages)));
          },
        }),
      ),
    );
    const { client, proxy } = through(servers);
    const messages = Array.from({ length: 10 }, (_, i) => Buffer.from(`<${i}>`));
    const result = await client.clientStream(messages, (index) =>
      until(() => Math.max(heard[0], heard[1]) >= Math.min(index, 5)),
    );
    expect([result.code, text(result.messages)]).toEqual([0, messages.join("")]);
    expect(heard.toSorted((a, b) => a - b)).toEqual([5, 10]);
    expect(proxy.counter("RETRIES")).toBe(1);
  });
});

describe("what is not", () => {
  test("anything by default, nor another status than those that are configured", async () => {
    const { server, seen } = await failing();
    for (const retryOnGrpcStatus of [[], [8]]) {
      seen.asked = 0;
      const { client, proxy } = through([server, server], { ...RETRYING, retryOnGrpcStatus });
      expect(await unary(client, 4)).toEqual(new Array(4).fill(UNAVAILABLE));
      expect(seen.asked).toBe(4);
      expect(proxy.counter("RETRIES")).toBe(0);
    }
  });

  test("a call whose status came behind messages: its client has them", async () => {
    const server = await serve({
      serverStream: (call) => {
        call.write(Buffer.from("before"));
        call.emit("error", { code: UNAVAILABLE, details: "and then not" });
      },
    });
    const { client, proxy } = through([server, server]);
    const { code, messages } = await client.serverStream(Buffer.from("x"));
    expect([code, text(messages)]).toEqual([UNAVAILABLE, "before"]);
    expect(proxy.counter("RETRIES")).toBe(0);
  });

  test("a call whose messages are too large to be kept", async () => {
    const { server, seen } = await failing();
    const { client, proxy } = through([server, await serve()]);
    const large = Buffer.alloc(1_000_000, "x");
    const codes = await unary(client, 4, () => large);
    expect(seen.asked).toBeGreaterThan(0);
    expect(codes.filter((code) => code === UNAVAILABLE)).toHaveLength(seen.asked);
    expect(proxy.counter("RETRIES")).toBe(0);
  });

  test("a call whose server says when it may be made again", async () => {
    const { server, seen } = await failing(UNAVAILABLE, { "grpc-retry-pushback-ms": "5000" });
    const { client, proxy } = through([server, await serve()]);
    const codes = await unary(client, 4);
    expect(seen.asked).toBeGreaterThan(0);
    expect(codes.filter((code) => code === UNAVAILABLE)).toHaveLength(seen.asked);
    expect(proxy.counter("RETRIES")).toBe(0);
  });
});

describe("where it ends", () => {
  test("each server is asked once, and the last one's status is the client's", async () => {
    const servers = await Promise.all([1, 2, 3].map(() => failing()));
    const { client, proxy } = through(
      servers.map(({ server }) => server),
      { ...RETRYING, retryAttempts: 9, accessLog: true },
    );
    const { code, details } = await client.unary(Buffer.from("x"));
    expect([code, details]).toEqual([UNAVAILABLE, "not now"]);
    expect(servers.map(({ seen }) => seen.asked)).toEqual([1, 1, 1]);
    const [line] = await proxy.logLines(1);
    expect(JSON.parse(line)).toMatchObject({ status: 200, grpc_status: UNAVAILABLE, attempts: 3 });
  });

  test("RETRY_ATTEMPTS and the budget bound it", async () => {
    const [one, two] = [await failing(), await failing()];
    const asked = () => one.seen.asked + two.seen.asked;
    const { client, proxy } = through([one.server, two.server], { ...RETRYING, retryAttempts: 0 });
    expect(await unary(client, 2)).toEqual([UNAVAILABLE, UNAVAILABLE]);
    expect(asked()).toBe(2);
    const sinceMs = performance.now();
    proxy.change({ retryAttempts: 1, retryBudgetPercent: 10 });
    let calls = 0;
    await until(async () => {
      await unary(client, 10);
      calls += 10;
      return proxy.counter("RETRIES_DENIED_BY_BUDGET") > 20;
    });
    // Besides its share of the calls there are three in any second.
    const seconds = (performance.now() - sinceMs) / 1000;
    expect(proxy.counter("RETRIES")).toBeLessThanOrEqual(calls / 10 + 3 * (seconds + 1));
    expect(asked()).toBe(2 + calls + proxy.counter("RETRIES"));
  });

  test("its client's time is one for all attempts", async () => {
    const { server } = await failing();
    const silent = await serve({ unary: () => null });
    const { client, proxy } = through([server, silent]);
    for (let i = 0; i < 2; i++) expect((await client.unary(Buffer.from("x"), 2000)).code).toBe(4);
    await until(() => silent.cancelled.length === 2);
    expect(proxy.inFlight).toBe(0);
  });
});
