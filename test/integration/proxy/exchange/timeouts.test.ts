/** Every deadline of the request path, with values small enough to wait for. None is asserted to be exact. */
import { afterEach, describe, expect, test } from "bun:test";
import { startFullServer } from "../../../support/deaf-server.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, Wire } from "../../../support/wire.ts";

afterEach(cleanUp);

const SHORT_MS = 200;
const post = (length: number) => get("/", `Content-Length: ${length}\r\n`, "POST");
const silent = () => Backend.start(() => {});

describe("towards clients", () => {
  test("request head: 408 and the end, however it drips", async () => {
    const proxy = new TestProxy([await silent()], { settings: { requestHeadTimeoutMs: SHORT_MS } });
    const client = await proxy.connect();
    const dripping = (async () => {
      for (const letter of get("/", "X: abcdefghijklmnopqrstuvwxyz\r\n".repeat(10))) {
        if (client.ended) return;
        await client.send(letter);
        await Bun.sleep(10);
      }
    })();
    const answer = await client.message();
    expect(answer.status).toBe(408);
    expect(singleValue(answer, "connection")).toBe("close");
    expect(await client.end()).toBe("end");
    await dripping;
    expect(proxy.counter("REQUESTS_REFUSED")).toBe(1);
  });

  test("the head's deadline does not run while the connection is only idle", async () => {
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend], { settings: { requestHeadTimeoutMs: 100 } });
    const client = await proxy.connect();
    await Bun.sleep(300);
    await client.send(get());
    expect((await client.message()).status).toBe(200);
    await Bun.sleep(300);
    await client.send(get());
    expect((await client.message()).status).toBe(200);
  });

  test("idle keep-alive: closed without a word", async () => {
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend]);
    const used = await proxy.connect();
    await used.send(get());
    await used.message();
    proxy.change({ idleTimeoutMs: SHORT_MS }); // for what is idle from here on
    await used.send(get());
    await used.message();
    const fresh = await proxy.connect();
    for (const client of [fresh, used]) {
      expect(await client.end()).toBe("end");
      expect(client.unread).toBe(0);
    }
  });

  test("request body without progress: 408; a server that had part of it sees it broken", async () => {
    const backend = await silent();
    const proxy = new TestProxy([backend], { settings: { requestBodyTimeoutMs: SHORT_MS } });
    const client = await proxy.connect();
    await client.send(`${post(100)}some`);
    await eventually(() => backend.connections.length === 1);
    const answer = await client.message();
    expect(answer.status).toBe(408);
    expect(await client.end()).toBe("end");
    expect(await backend.connections[0].end()).toBe("reset");
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(0); // the client's fault, not the server's
  });

  test("a body that drips goes on: each piece is progress", async () => {
    const backend = await Backend.answering((request) => ok(request.body));
    const proxy = new TestProxy([backend], { settings: { requestBodyTimeoutMs: 1000 } });
    const client = await proxy.connect();
    await client.send(post(8));
    for (const letter of "drip-dry") {
      await Bun.sleep(200);
      await client.send(letter);
    }
    expect((await client.message()).body.toString()).toBe("drip-dry");
  });

  test("a client that does not read its answer is cut off", async () => {
    const backend = await Backend.answering(() => ok(Buffer.alloc(30_000_000)));
    const proxy = new TestProxy([backend], { settings: { responseBodyTimeoutMs: SHORT_MS } });
    const client = await proxy.connect();
    await client.send(get());
    await client.until(() => client.received > 0);
    client.socket.pause();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    expect(await backend.connections[0].end()).toBe("reset");
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(0);
  });

  test("a client that never closes after its answer is let go", async () => {
    const proxy = new TestProxy([await silent()]);
    const client = await proxy.connect();
    await client.send("nonsense\r\n\r\n");
    expect((await client.message()).status).toBe(400);
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
  });

  test("tunnels without traffic end", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
      for (;;) await server.send(await server.take(1));
    });
    const proxy = new TestProxy([backend], { settings: { tunnelTimeoutMs: 1000, idleTimeoutMs: 50 } });
    const client = await proxy.connect();
    await client.send(get("/", "Connection: Upgrade\r\nUpgrade: x\r\n"));
    expect((await client.message()).status).toBe(101);
    for (const letter of "still alive") {
      await Bun.sleep(150);
      await client.send(letter);
      expect((await client.take(1)).toString()).toBe(letter);
    }
    await client.end();
    expect(proxy.counter("TUNNELS_OPEN")).toBe(0);
    await backend.connections[0].end();
  });
});

describe("towards servers", () => {
  test("connecting: a full accept queue is another server's chance, then 504", async () => {
    const deaf = await startFullServer();
    try {
      const good = await Backend.answering(() => ok("good"));
      const proxy = new TestProxy([{ port: deaf.port }, good], { settings: { connectTimeoutMs: 1000 } });
      for (let i = 0; i < 2; i++) expect((await proxy.ask(get())).body.toString()).toBe("good");
      const alone = new TestProxy([{ port: deaf.port }], {
        settings: { connectTimeoutMs: SHORT_MS, retryAttempts: 1 },
      });
      const answer = await alone.ask(`${get("/", "Content-Length: 2\r\n", "POST")}hi`);
      expect(answer.status).toBe(504);
      expect(singleValue(answer, "proxy-status")).toContain("connection_timeout");
      expect(alone.inFlight).toBe(0);
    } finally {
      deaf.stop();
    }
  });

  test("response head: 504, not retried, the server's connection is closed", async () => {
    const backend = await silent();
    const proxy = new TestProxy([backend], { settings: { responseHeadTimeoutMs: SHORT_MS } });
    const answer = await proxy.ask(get());
    expect(answer.status).toBe(504);
    expect(singleValue(answer, "proxy-status")).toContain("response_timeout");
    expect(backend.connections.length).toBe(1);
    expect(await backend.connections[0].end()).toBe("reset");
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(1);
  });

  test("what came while the process had no turn was in time", async () => {
    // Right behind another such while deadlines have their turn: then it is asked again.
    let calmFromMs = 0;
    let lookedMs = performance.now();
    const looking = setInterval(() => {
      const nowMs = performance.now();
      if (nowMs - lookedMs > 25) calmFromMs = nowMs + (nowMs - lookedMs) + 150;
      lookedMs = nowMs;
    }, 10);
    let calm = false;
    const backend = await Backend.start(async (connection) => {
      for (;;) {
        await connection.message();
        calm = performance.now() >= calmFromMs;
        await connection.send(ok("in time"));
        // Deadlines pass with the answer in the kernel's hands, and the timers are next.
        const end = performance.now() + 2 * SHORT_MS;
        while (performance.now() < end);
      }
    });
    const proxy = new TestProxy([backend], { settings: { responseHeadTimeoutMs: SHORT_MS, retryAttempts: 0 } });
    try {
      let status = 0;
      while (!calm) {
        await eventually(() => performance.now() >= calmFromMs);
        ({ status } = await proxy.ask(get()));
      }
      expect(status).toBe(200);
    } finally {
      clearInterval(looking);
    }
  });

  test("half a response head is not a head", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      while (server.ended === null) {
        await server.send("HTTP/1.1 200 OK\r\n".slice(0, 5));
        await Bun.sleep(1000);
      }
    });
    const proxy = new TestProxy([backend], { settings: { responseHeadTimeoutMs: SHORT_MS } });
    expect((await proxy.ask(get())).status).toBe(504);
  });

  test("the response head's deadline starts when the body has gone out", async () => {
    const backend = await Backend.answering((request) => ok(request.body));
    const proxy = new TestProxy([backend], { settings: { responseHeadTimeoutMs: 1000 } });
    const client = await proxy.connect();
    await client.send(`${post(2)}a`);
    await Bun.sleep(1300);
    await client.send("b");
    expect((await client.message()).body.toString()).toBe("ab");
  });

  test("a server that keeps a client waiting for 100 (Continue) is late itself, and the client is not", async () => {
    const fields = "Expect: 100-continue\r\nContent-Length: 2\r\n";
    const settings = { responseHeadTimeoutMs: 60_000, requestBodyTimeoutMs: 800 };
    const never = new TestProxy([await silent()], { settings: { ...settings, responseHeadTimeoutMs: 1200 } });
    const late = await never.ask(get("/", fields, "POST"));
    expect(late.status).toBe(504);
    expect(singleValue(late, "proxy-status")).toContain("response_timeout");
    const hesitating = await Backend.start(async (server) => {
      for (;;) {
        await server.head();
        await Bun.sleep(1000);
        await server.send("HTTP/1.1 100 Continue\r\n\r\n");
        await server.send(ok((await server.take(2)).toString()));
      }
    });
    const proxy = new TestProxy([hesitating], { settings });
    for (const body of ["hi", ""]) {
      const client = await proxy.connect();
      await client.send(get("/", fields, "POST"));
      expect((await client.message()).status).toBe(100);
      await client.send(body);
      expect((await client.message()).status).toBe(body === "hi" ? 200 : 408);
    }
  });

  test("response body without progress is cut off visibly", async () => {
    const backend = await Backend.start(async (server) => {
      await server.message();
      await server.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    });
    const proxy = new TestProxy([backend], { settings: { responseBodyTimeoutMs: SHORT_MS } });
    const client = await proxy.connect();
    await client.send(get());
    expect((await client.head()).status).toBe(200);
    expect(await client.end()).toBe("end");
    expect(client.text).toBe("half");
    expect(await backend.connections[0].end()).toBe("reset");
    expect(proxy.memory.servers.consecutiveFailures[0]).toBe(1);
  });

  test("a server that stops reading a request: 504", async () => {
    const backend = await Backend.start((server) => server.socket.pause());
    const proxy = new TestProxy([backend], { settings: { requestBodyTimeoutMs: 1000 } });
    const client = await proxy.connect();
    await client.send(post(30_000_000));
    void client.pump(Buffer.alloc(30_000_000)).catch(() => {});
    const answer = await client.message();
    expect(answer.status).toBe(504);
    expect(singleValue(answer, "proxy-status")).toContain("upstream_write_timeout");
  });

  test("idle connections to servers are closed", async () => {
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend], { settings: { upstreamIdleTimeoutMs: 600 } });
    await proxy.ask(get());
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(1);
    await backend.connections[0].end();
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(0);
    expect((await proxy.ask(get())).status).toBe(200);
  });
});

describe("draining", () => {
  test("idle connections end, busy ones finish, the port is closed, and then it is over", async () => {
    const idleIsGone = Promise.withResolvers<void>();
    let asked = 0;
    const backend = await Backend.answering(async () => {
      if (++asked === 2) await idleIsGone.promise;
      return ok("late");
    });
    const proxy = new TestProxy([backend]);
    const [idle, busy] = [await proxy.connect(), await proxy.connect()];
    await idle.send(get());
    await idle.message();
    await busy.send(get());
    await eventually(() => proxy.inFlight === 1);
    let drained = false;
    proxy.server.drain(() => {
      drained = true;
    });
    expect(await idle.end()).toBe("end");
    expect(drained).toBe(false);
    idleIsGone.resolve();
    const answer = await busy.message();
    expect(singleValue(answer, "connection")).toBe("close");
    expect(answer.body.toString()).toBe("late");
    busy.finish();
    await eventually(() => drained);
    await expect(Wire.connect(proxy.port)).rejects.toThrow();
  });

  test("a request that is on its way on an idle connection is served, and told that it is the last", async () => {
    const proxy = new TestProxy([await Backend.answering(() => ok("last"))]);
    const clients = await Promise.all([proxy.connect(), proxy.connect()]);
    for (const client of clients) {
      await client.send(get());
      expect(singleValue(await client.message(), "connection")).toBeUndefined();
    }
    let drained = false;
    // Nobody has read it yet when the worker is told to stop.
    const sent = clients[0].send(get());
    proxy.server.drain(() => {
      drained = true;
    });
    await sent;
    const answer = await clients[0].message();
    expect(answer.body.toString()).toBe("last");
    expect(singleValue(answer, "connection")).toBe("close");
    for (const client of clients) expect(await client.end()).toBe("end");
    await eventually(() => drained);
  });

  test("what does not finish in time is not waited for", async () => {
    const proxy = new TestProxy([await silent()], { settings: { shutdownTimeoutMs: SHORT_MS } });
    const client = await proxy.connect();
    await client.send(get());
    await eventually(() => proxy.inFlight === 1);
    let drained = false;
    proxy.server.drain(() => {
      drained = true;
    });
    await eventually(() => drained);
  });
});
