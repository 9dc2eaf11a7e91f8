/** Which requests get a second chance, and which must not. */
import { afterEach, describe, expect, test } from "bun:test";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { REFUSING_PORT } from "../../../support/ports/free-port.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, type Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const post = (fields = "Content-Length: 2\r\n", body = "hi") => get("/", fields, "POST") + body;

const body = async (proxy: TestProxy, request: string) => (await proxy.ask(request)).body.toString();

describe("connect failures", () => {
  test("another server is tried, for any method, with the body that came along", async () => {
    const good = await Backend.answering((request) => ok(`${request.startLine} ${request.body}`));
    const proxy = new TestProxy([{ port: REFUSING_PORT }, good], { settings: { retryBudgetPercent: 100 } });
    for (let i = 0; i < 4; i++) expect(await body(proxy, post())).toBe("POST / HTTP/1.1 hi");
    expect(proxy.counter("RETRIES")).toBeGreaterThan(0);
    expect(proxy.memory.servers.consecutiveFailures[0]).toBeGreaterThan(0);
    expect(proxy.memory.servers.consecutiveFailures[1]).toBe(0);
  });

  test("with nobody else it is 502 with Proxy-Status, after as many attempts as allowed", async () => {
    const proxy = new TestProxy([{ port: REFUSING_PORT }]);
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toBe(
      'neurabalancer; error=connection_refused; details="connect_refused"',
    );
    expect(JSON.parse(answer.body.toString()).error).toMatchObject({ code: "connect_refused" });
    expect(proxy.counter("UPSTREAM_CONNECTS")).toBe(3);
    expect(proxy.inFlight).toBe(0);
  });

  test("a body that arrived while connecting is sent once, in order", async () => {
    const good = await Backend.answering((request) => ok(request.body));
    const proxy = new TestProxy([good]);
    const client = await proxy.connect();
    await client.send(`${get("/", "Content-Length: 6\r\n", "POST")}a`);
    client.socket.write("bcd");
    await client.send("ef");
    expect((await client.message()).body.toString()).toBe("abcdef");
  });
});

describe("stale connections", () => {
  /** Serves the first `good` requests of its first connection; the next one finds it closing. */
  const closingAfter = (good: number, end: (connection: Wire) => void) =>
    Backend.start(async (connection, index) => {
      for (let served = 0; ; served++) {
        const request = await connection.message();
        if (index === 0 && served === good) return end(connection);
        await connection.send(ok(`${index} ${request.body}`));
      }
    });

  test.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])("%s is sent again", async (method) => {
    const backend = await closingAfter(1, (connection) => connection.destroy());
    const proxy = new TestProxy([backend]);
    await proxy.ask(get());
    const noBody = method === "HEAD";
    expect((await proxy.ask(get("/", "", method), { noBody })).status).toBe(200);
    expect(backend.connections.length).toBe(2);
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(0);
  });

  test.each(["POST", "PATCH"])("%s is not: the server may have acted on it", async (method) => {
    const backend = await closingAfter(1, (connection) => connection.reset());
    const proxy = new TestProxy([backend]);
    await proxy.ask(get());
    const answer = await proxy.ask(`${get("/", "Content-Length: 2\r\n", method)}hi`);
    expect(answer.status).toBe(502);
    expect(singleValue(answer, "proxy-status")).toContain("stale_connection");
    expect(backend.connections.length).toBe(1);
  });

  test("an idle connection that the server closed is not used at all", async () => {
    const backend = await Backend.start(async (connection, index) => {
      await connection.message();
      await connection.send(ok(`${index}`));
      if (index === 0) connection.finish();
      else for (;;) await connection.send(ok(`${index} ${(await connection.message()).body}`));
    });
    const proxy = new TestProxy([backend]);
    expect(await body(proxy, get())).toBe("0");
    await eventually(() => proxy.counter("UPSTREAM_IDLE") === 0);
    expect(await body(proxy, post())).toBe("1");
    expect(proxy.counter("RETRIES")).toBe(0);
  });

  test("a server that restarts costs no idempotent request, however many connections were pooled", async () => {
    let closing = false;
    const backend = await Backend.start(async (connection, index) => {
      for (;;) {
        await connection.message();
        if (closing && index < 12) {
          // As a crash does: the connection in use first, and with it all the others.
          connection.reset();
          for (const other of backend.connections.slice(0, 12)) other.reset();
          return;
        }
        await Bun.sleep(30);
        await connection.send(ok("x"));
      }
    });
    const proxy = new TestProxy([backend]);
    await Promise.all(Array.from({ length: 12 }, () => proxy.ask(get())));
    expect(backend.connections.length).toBe(12);
    closing = true;
    expect((await proxy.ask(get())).status).toBe(200);
  });
});

describe("a crash of several servers at once", () => {
  test("costs no idempotent request: the connection that was cut is no attempt", async () => {
    let crash = () => {};
    const servers = await Promise.all(
      [0, 1, 2].map((n) =>
        Backend.answering(({ startLine }) => {
          if (startLine.includes("/crash")) crash();
          return ok(`${n}`);
        }),
      ),
    );
    // One client has one order of servers: its requests go to the first that is there.
    const proxy = new TestProxy(servers, { settings: { strategy: "consistent_hash" } });
    const order: number[] = [];
    for (let i = 0; i < 3; i++) {
      order.push(Number(await body(proxy, get())));
      proxy.setState(order[i], ServerState.DOWN);
    }
    for (const slot of order) proxy.setState(slot, ServerState.UP);
    crash = () => {
      for (const slot of order.slice(0, 2)) servers[slot].stop();
    };
    // It meets the cut connection, then the closed doors of both.
    expect(await body(proxy, get("/crash"))).toBe(`${order[2]}`);
    expect(proxy.counter("RETRIES")).toBe(3);
  });

  test("RETRY_ATTEMPTS=0 is no second attempt even then", async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send(ok());
      await connection.message();
      connection.reset();
    });
    const proxy = new TestProxy([backend], { settings: { retryAttempts: 0 } });
    expect((await proxy.ask(get())).status).toBe(200);
    expect((await proxy.ask(get())).status).toBe(502);
    expect(backend.connections.length).toBe(1);
  });
});

describe("slow servers", () => {
  /** A server that takes its time for every request, and how many it saw. */
  const taking = (ms: number, name: string) =>
    Backend.answering(async () => {
      await Bun.sleep(ms);
      return ok(name);
    });

  test("a hedged request is answered by the faster one, and the other is given up", async () => {
    const [slow, fast] = [await taking(3000, "slow"), await taking(0, "fast")];
    const proxy = new TestProxy([slow, fast], { settings: { hedgeAfterMs: 300, hedgeBudgetPercent: 100 } });
    for (let i = 0; i < 6; i++) expect(await body(proxy, get())).toBe("fast");
    expect(proxy.counter("HEDGES")).toBeGreaterThan(0);
    expect(proxy.counter("HEDGES_WON")).toBe(proxy.counter("HEDGES"));
    await eventually(() => proxy.inFlight === 0 && slow.open === 0);
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(0);
  });

  test("nothing that may do harm twice is hedged, and never without a budget", async () => {
    const [slow, fast] = [await taking(150, "slow"), await taking(150, "fast")];
    const proxy = new TestProxy([slow, fast], { settings: { hedgeAfterMs: 20, hedgeBudgetPercent: 100 } });
    for (let i = 0; i < 2; i++) expect((await proxy.ask(post())).status).toBe(200);
    expect(proxy.counter("HEDGES")).toBe(0);
    proxy.change({ hedgeBudgetPercent: 0 });
    expect((await proxy.ask(get())).status).toBe(200);
    expect(proxy.counter("HEDGES")).toBe(0);
  });

  test("a hedge whose servers both fail ends in one answer", async () => {
    const dying = (ms: number) =>
      Backend.start(async (connection) => {
        await connection.message();
        await Bun.sleep(ms);
        connection.reset();
      });
    const proxy = new TestProxy([await dying(80), await dying(120)], {
      settings: { hedgeAfterMs: 20, hedgeBudgetPercent: 100, retryAttempts: 0 },
    });
    const client = await proxy.connect();
    await client.send(get() + get("/health/live"));
    expect((await client.message()).status).toBe(502);
    expect((await client.message()).status).toBe(200);
    expect(client.unread).toBe(0);
    expect(proxy.inFlight).toBe(0);
    expect(proxy.logged).toEqual([]);
  });

  test("a client that leaves a hedged request leaves no trace", async () => {
    const [one, two] = [await taking(3000, "one"), await taking(3000, "two")];
    const proxy = new TestProxy([one, two], { settings: { hedgeAfterMs: 20, hedgeBudgetPercent: 100 } });
    const client = await proxy.connect();
    await client.send(get());
    await eventually(() => proxy.inFlight === 2);
    client.reset();
    await eventually(() => proxy.inFlight === 0 && one.open + two.open === 0);
  });

  test("a time limit per attempt gives another server its chance", async () => {
    const [slow, fast] = [await taking(3000, "slow"), await taking(0, "fast")];
    const proxy = new TestProxy([slow, fast], { settings: { perTryTimeoutMs: 500, retryBudgetPercent: 100 } });
    for (let i = 0; i < 2; i++) expect(await body(proxy, get())).toBe("fast");
    expect(proxy.counter("RETRIES")).toBeGreaterThan(0);
  });
});

describe("failures after sending", () => {
  const dying = (say = "") =>
    Backend.start(async (connection) => {
      await connection.message();
      if (say !== "") await connection.send(say);
      await Bun.sleep(say === "" ? 0 : 20);
      connection.destroy();
    });

  test("an idempotent request goes to another server, others get 502", async () => {
    const [bad, good] = [await dying(), await Backend.answering(() => ok("good"))];
    const proxy = new TestProxy([bad, good], { settings: { retryBudgetPercent: 100 } });
    for (let i = 0; i < 4; i++) expect(await body(proxy, get())).toBe("good");
    const answers = await Promise.all([proxy.ask(post()), proxy.ask(post())]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 502]);
  });

  test("never after the answer began: the client sees it cut off", async () => {
    const bad = await dying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    const good = await Backend.answering(() => ok("good"));
    const proxy = new TestProxy([bad, good]);
    proxy.setState(1, ServerState.DOWN);
    const client = await proxy.connect();
    await client.send(get());
    expect((await client.head()).status).toBe(200);
    expect(await client.end()).toBe("end");
    expect(client.text).toBe("half");
    expect(good.connections.length).toBe(0);
  });

  test("a body that was streamed is not replayed", async () => {
    const bad = await Backend.start(async (connection) => {
      await connection.head();
      await connection.take(200_000);
      connection.destroy();
    });
    const good = await Backend.answering(() => ok("good"));
    const proxy = new TestProxy([bad, good]);
    proxy.setState(1, ServerState.DOWN);
    const client = await proxy.connect();
    await client.send(get("/", "Content-Length: 300000\r\n", "PUT"));
    await client.pump(Buffer.alloc(250_000));
    const answer = await client.message();
    expect(answer.status).toBe(502);
    expect(good.connections.length).toBe(0);
    expect(proxy.counter("RETRIES")).toBe(0);
  });

  test("RETRY_ATTEMPTS=0 means one try", async () => {
    const proxy = new TestProxy([await dying()], { settings: { retryAttempts: 0 } });
    expect((await proxy.ask(get())).status).toBe(502);
    expect(proxy.counter("UPSTREAM_CONNECTS")).toBe(1);
  });

  test("the budget bounds retries to a share of requests", async () => {
    const bad = await dying();
    const startMs = performance.now();
    const proxy = new TestProxy([bad], { settings: { retryBudgetPercent: 10 } });
    for (let i = 0; i < 60; i++) await proxy.ask(get());
    // 3 to begin with, 6 for the requests, and 3 for every second that passed.
    const most = 9 + (3 * (performance.now() - startMs)) / 1000;
    const retries = proxy.counter("RETRIES");
    expect(retries).toBeGreaterThanOrEqual(6);
    expect(retries).toBeLessThanOrEqual(most);
    // Who was not denied one has had two.
    expect(proxy.counter("RETRIES_DENIED_BY_BUDGET")).toBeGreaterThanOrEqual(60 - retries / 2);
  });
});
