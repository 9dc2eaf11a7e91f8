/** Calls of gRPC through the balancer, with the client and the server of `@grpc/grpc-js`. */
import { afterEach, describe, expect, test } from "bun:test";
import { readGrpcCalls } from "../../../../src/shared/memory/grpc-table.ts";
import {
  collect,
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

async function serve(behaviour: EchoBehaviour = {}): Promise<EchoServer> {
  const server = await startEchoServer(behaviour);
  closing.push(() => server.stop());
  return server;
}

function through(servers: readonly EchoServer[], settings: ProxyOptions["settings"] = {}) {
  const proxy = new TestProxy(
    servers.map(({ port }) => ({ port, http2: true })),
    { settings },
  );
  const client = new EchoClient(proxy.port);
  closing.push(() => client.close());
  return { proxy, client };
}

const text = (messages: readonly Buffer[]): string => Buffer.concat(messages).toString();

describe("the four kinds of call", () => {
  test("unary", async () => {
    const { client } = through([await serve()]);
    for (const message of ["one", "two", ""]) {
      const { code, messages } = await client.unary(Buffer.from(message));
      expect([code, text(messages)]).toEqual([0, message]);
    }
  });

  test("many at once, over two servers, and none gets another's answer", async () => {
    const counts = [0, 0];
    const servers = await Promise.all(
      counts.map((_, index) =>
        serve({
          unary: (message) => {
            counts[index]++;
            return message;
          },
        }),
      ),
    );
    const { client } = through(servers, {});
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => client.unary(Buffer.from(`call ${i}`))));
    expect(answers.map(({ messages }) => text(messages))).toEqual(answers.map((_, i) => `call ${i}`));
    // By call, not by connection: the client has one.
    for (const count of counts) expect(count).toBeGreaterThan(50);
  });

  test("client streaming", async () => {
    const { client } = through([await serve()]);
    const { code, messages } = await client.clientStream(["a", "b", "c"].map((letter) => Buffer.from(letter)));
    expect([code, text(messages)]).toEqual([0, "abc"]);
  });

  test("server streaming", async () => {
    const { client } = through([await serve()]);
    const { code, messages } = await client.serverStream(Buffer.from("xyz"));
    expect([code, messages.map(String)]).toEqual([0, ["x", "y", "z"]]);
  });

  test("both ways, each answer before the next question", async () => {
    const { client } = through([await serve()]);
    const call = client.bidi();
    const asked = ["1", "2", "3"];
    const heard: string[] = [];
    const result = collect(call, () => {
      heard.push("answer");
      const next = asked.shift();
      if (next === undefined) call.end();
      else call.write(Buffer.from(next));
    });
    call.write(Buffer.from("0"));
    const { code, messages } = await result;
    expect([code, messages.map(String)]).toEqual([0, ["0", "1", "2", "3"]]);
    expect(heard).toHaveLength(4);
  });

  test("large messages both ways, by windows from end to end", async () => {
    const { client } = through([await serve()]);
    const message = Buffer.alloc(3 * 1024 * 1024, "0123456789");
    const { code, messages } = await client.unary(message);
    expect(code).toBe(0);
    expect(messages[0].equals(message)).toBe(true);
  });
});

describe("how calls end", () => {
  test("a status of the server's, without messages, and what it says of it", async () => {
    const { client, proxy } = through([await serve({ unary: () => ({ code: 5, details: "no such order: 12 %" }) })], {
      accessLog: true,
    });
    expect(await client.unary(Buffer.from("x"))).toEqual({ code: 5, details: "no such order: 12 %", messages: [] });
    expect(proxy.memory.workers[0].failures[0]).toBe(0);
    const [line] = await proxy.logLines(1);
    expect(JSON.parse(line)).toMatchObject({ status: 200, grpc_status: 5, path: "/test.Echo/Unary" });
  });

  test("one behind messages", async () => {
    const server = await serve({
      serverStream: (call) => {
        call.write(Buffer.from("before"));
        call.emit("error", { code: 9, details: "and then not" });
      },
    });
    const { client } = through([server]);
    const { code, details, messages } = await client.serverStream(Buffer.from("x"));
    expect([code, details, text(messages)]).toEqual([9, "and then not", "before"]);
  });

  test("no server: 14", async () => {
    const { client, proxy } = through([{ port: 1, cancelled: [], stop: () => {}, drain: async () => {} }], {
      retryAttempts: 0,
      accessLog: true,
    });
    const { code, details } = await client.unary(Buffer.from("x"));
    expect([code, details]).toEqual([14, "the server refused the connection (connect_refused)"]);
    const [line] = await proxy.logLines(1);
    expect(JSON.parse(line)).toMatchObject({ status: 200, grpc_status: 14, error: "connect_refused" });
  });

  test("a server that does not answer in time: 4", async () => {
    const { client } = through([await serve({ unary: () => null })], { responseHeadTimeoutMs: 200, retryAttempts: 0 });
    expect((await client.unary(Buffer.from("x"))).code).toBe(4);
  });

  test("no room: 8", async () => {
    const server = await serve({ unary: () => null });
    const proxy = new TestProxy([{ port: server.port, http2: true, hardLimit: 1 }], { settings: { queueSize: 0 } });
    const client = new EchoClient(proxy.port);
    closing.push(() => client.close());
    void client.unary(Buffer.from("takes the only place"));
    await until(() => proxy.inFlight === 1);
    const { code, details } = await client.unary(Buffer.from("x"));
    expect([code, details]).toEqual([8, "all servers are at capacity and the queue is full (queue_full)"]);
  });

  test("its client's time is over: 4, the server hears, and nothing is held against it", async () => {
    const server = await serve({ unary: () => null });
    const { client, proxy } = through([server]);
    // Time for the call to get there: by a connection that is made for it.
    expect((await client.unary(Buffer.from("x"), 2000)).code).toBe(4);
    await until(() => server.cancelled.length === 1);
    expect(proxy.memory.workers[0].failures[0]).toBe(0);
  });

  test("its client cancels: the server hears", async () => {
    const server = await serve({ serverStream: (call) => void call.write(Buffer.from("and no more")) });
    const { client } = through([server]);
    const { code } = await client.serverStream(Buffer.from("x"), (call) => call.cancel());
    expect(code).toBe(1);
    await until(() => server.cancelled.includes("ServerStream"));
  });

  test("a server that is killed in the middle of a stream", async () => {
    const server = await serve({ serverStream: (call) => void call.write(Buffer.from("begun")) });
    const { client } = through([server]);
    const { code, messages } = await client.serverStream(Buffer.from("x"), () => server.stop());
    expect(text(messages)).toBe("begun");
    expect(code).not.toBe(0);
  });
});

describe("what a status says of its server", () => {
  test.each([2, 13, 14, 15])("%p: it has failed, and is ejected for it", async (code) => {
    const failing = await serve({ unary: () => ({ code, details: "broken" }) });
    const { client, proxy } = through([failing], { outlierConsecutiveFailures: 3 });
    for (let i = 0; i < 3; i++) expect((await client.unary(Buffer.from("x"))).code).toBe(code);
    expect(proxy.memory.workers[0].failures[0]).toBe(3);
  });

  test("others say nothing", async () => {
    for (const code of [3, 4, 5, 7, 12, 16]) {
      const { client, proxy } = through([await serve({ unary: () => ({ code, details: "no" }) })]);
      expect((await client.unary(Buffer.from("x"))).code).toBe(code);
      expect(proxy.memory.workers[0].failures[0]).toBe(0);
    }
  });
});

test("calls are counted by method and status", async () => {
  const { client, proxy } = through([await serve()]);
  await client.unary(Buffer.from("x"));
  await client.serverStream(Buffer.from("x"));
  await client.serverStream(Buffer.from("y"));
  const counted = readGrpcCalls(proxy.memory.workers.slice(0, 1)).map(
    ({ service, method, counts }) => [service, method, counts[0]] as const,
  );
  expect(counted).toContainEqual(["test.Echo", "Unary", 1]);
  expect(counted).toContainEqual(["test.Echo", "ServerStream", 2]);
});

test("a stream may be silent for longer than a response of HTTP may", async () => {
  const silent = Promise.withResolvers<void>();
  const server = await serve({
    serverStream: (call) => {
      call.write(Buffer.from("first"));
      void silent.promise.then(() => {
        call.write(Buffer.from(", last"));
        call.end();
      });
    },
  });
  const { client, proxy } = through([server], { responseBodyTimeoutMs: 100, tunnelTimeoutMs: 600_000 });
  const result = client.serverStream(Buffer.from("x"));
  await until(() => proxy.inFlight === 1);
  await until(() => performance.now() > 0 && proxy.memory.workers[0].responses[0] === 1);
  // By the time that another response has been cut for its silence, this one would have been.
  await client.unary(Buffer.from("meanwhile"));
  silent.resolve();
  const { code, messages } = await result;
  expect([code, text(messages)]).toEqual([0, "first, last"]);
});
