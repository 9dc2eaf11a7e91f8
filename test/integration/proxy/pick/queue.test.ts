/** Capacity and waiting, stickiness, and what changes while requests run: fleet and settings. */
import { afterEach, describe, expect, test } from "bun:test";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { freePort } from "../../../support/ports/free-port.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { singleValue, type Wire, type WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

/** A backend that answers only when told to, in the order of arrival. */
async function held() {
  const waiting: { path: string; release: () => void }[] = [];
  const backend = await Backend.answering(async ({ startLine }) => {
    const path = startLine.split(" ")[1];
    await new Promise<void>((release) => waiting.push({ path, release }));
    return ok(path);
  });
  const release = async () => {
    await eventually(() => waiting.length > 0);
    const next = waiting.shift();
    next?.release();
    return next?.path;
  };
  return { backend, waiting, release };
}

describe("capacity", () => {
  test("a hard limit holds, and those who wait are served in order", async () => {
    const { backend, waiting, release } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 2 }]);
    const answers: Promise<WireMessage>[] = [];
    for (let i = 0; i < 8; i++) {
      answers.push(proxy.ask(get(`/${i}`)));
      await eventually(() => proxy.inFlight + proxy.counter("QUEUE_LENGTH") === i + 1);
    }
    await eventually(() => waiting.length === 2);
    expect(proxy.counter("QUEUE_LENGTH")).toBe(6);
    const served: (string | undefined)[] = [];
    for (let i = 0; i < 8; i++) {
      // Places that come free at once may be told of in any order.
      await eventually(() => waiting.length === Math.min(2, 8 - i));
      served.push(await release());
      expect(proxy.inFlight).toBeLessThanOrEqual(2);
    }
    expect(served).toEqual(Array.from({ length: 8 }, (_, i) => `/${i}`));
    expect((await Promise.all(answers)).every(({ status }) => status === 200)).toBe(true);
    expect(proxy.inFlight).toBe(0);
    expect(proxy.counter("QUEUE_LENGTH")).toBe(0);
  });

  test("a newcomer does not overtake those who wait for a place that another worker gave back", async () => {
    const { backend, waiting, release } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }]);
    const answers = [proxy.ask(get("/first"))];
    await eventually(() => proxy.inFlight === 1);
    answers.push(proxy.ask(get("/second")));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    const client = await proxy.connect();
    Atomics.sub(proxy.memory.servers.inFlight, 0, 1);
    client.socket.write(get("/third"));
    await eventually(() => waiting.length === 2);
    expect(waiting.map(({ path }) => path)).toEqual(["/first", "/second"]);
    await release();
    await release();
    expect(await release()).toBe("/third");
    await client.message();
    await Promise.all(answers);
  });

  test("with a place left elsewhere nobody waits", async () => {
    const { backend } = await held();
    const free = await Backend.answering(() => ok("free"));
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }, free]);
    const first = await Promise.all([proxy.connect(), proxy.connect()]);
    for (const client of first) await client.send(get());
    await eventually(() => backend.received > 0);
    for (let i = 0; i < 4; i++) expect((await proxy.ask(get())).body.toString()).toBe("free");
  });

  test("who waits too long gets 503 with Retry-After, and its connection lives", async () => {
    const { backend, release } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }], { settings: { queueTimeoutMs: 150 } });
    const first = proxy.ask(get("/first"));
    await eventually(() => proxy.inFlight === 1);
    const client = await proxy.connect();
    await client.send(get("/second"));
    const answer = await client.message();
    expect(answer.status).toBe(503);
    expect(singleValue(answer, "retry-after")).toBe("1");
    expect(singleValue(answer, "proxy-status")).toContain("queue_timeout");
    expect(proxy.counter("QUEUE_TIMEOUTS")).toBe(1);
    await release();
    await first;
    await client.send(get("/third"));
    expect(await release()).toBe("/third");
    expect((await client.message()).status).toBe(200);
  });

  test("a full queue refuses at once", async () => {
    const { backend, release } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }], { settings: { queueSize: 1 } });
    const first = proxy.ask(get());
    await eventually(() => proxy.inFlight === 1);
    const second = proxy.ask(get());
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    const refused = await proxy.ask(get());
    expect([refused.status, singleValue(refused, "retry-after")]).toEqual([503, "1"]);
    expect(proxy.counter("QUEUE_REJECTED")).toBe(1);
    await release();
    await release();
    await Promise.all([first, second]);
  });

  test("a client that leaves the queue leaves no trace", async () => {
    const { backend, release } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }]);
    const first = proxy.ask(get());
    await eventually(() => proxy.inFlight === 1);
    const leaving = await proxy.connect();
    await leaving.send(get("/left"));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    leaving.reset();
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 0);
    await release();
    await first;
    expect(backend.connections[0].text).not.toContain("/left");
    expect(proxy.inFlight).toBe(0);
  });

  test("a request that waits keeps its body and its fields", async () => {
    const { backend, release } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }]);
    const first = proxy.ask(get("/first"));
    await eventually(() => proxy.inFlight === 1);
    const client = await proxy.connect();
    await client.send(get("/second", "Content-Length: 10\r\nX-Mine: 1\r\n", "POST"), "01234", "56789");
    await proxy.ask(get("/health/live", "X-Other: 2\r\n")); // the parser is used for others meanwhile
    await release();
    await first;
    expect(await release()).toBe("/second");
    expect((await client.message()).body.toString()).toBe("/second");
  });

  test("a live change of limits does not strand those who wait", async () => {
    const { backend, release } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }]);
    const first = proxy.ask(get("/first"));
    await eventually(() => proxy.inFlight === 1);
    const second = proxy.ask(get("/second", "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    proxy.change({ maxHeaderCount: 2, maxHeaderBytes: 1024 });
    await release();
    await first;
    await release();
    expect((await second).status).toBe(200);
    expect(proxy.logged).toEqual([]);
  });

  test("a fleet that leaves lets those who wait know", async () => {
    const { backend } = await held();
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }]);
    const busy = await proxy.connect();
    await busy.send(get());
    await eventually(() => proxy.inFlight === 1);
    const waiting = proxy.ask(get());
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    proxy.setState(0, ServerState.DOWN);
    expect((await waiting).status).toBe(503);
  });
});

describe("no server", () => {
  test("none at all, or none healthy, is 503", async () => {
    const none = await new TestProxy([]).ask(get());
    expect([none.status, singleValue(none, "retry-after")]).toEqual([503, "1"]);
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend]);
    proxy.setState(0, ServerState.DOWN);
    const answer = await proxy.ask(get());
    expect(singleValue(answer, "proxy-status")).toContain("no_server_available");
    expect((await proxy.ask(get("/health/ready"))).status).toBe(503);
    expect(backend.received).toBe(0);
    proxy.setState(0, ServerState.UP);
    expect((await proxy.ask(get())).status).toBe(200);
  });
});

describe("consistent_hash", () => {
  /** Who gets which key depends on the servers' ports: of so many keys each of four servers gets one. */
  const KEYS = 100;

  async function hashing(hashOn: string, settings = {}) {
    const backends = await Promise.all(Array.from({ length: 4 }, (_, i) => Backend.answering(() => ok(`${i}`))));
    return new TestProxy(backends, { settings: { strategy: "consistent_hash", hashOn, ...settings } });
  }
  const server = async (proxy: TestProxy, fields = "") => (await proxy.ask(get("/", fields))).body.toString();

  test("a client's address sticks", async () => {
    const proxy = await hashing("client_ip");
    const servers = new Set<string>();
    for (let i = 0; i < 8; i++) servers.add(await server(proxy, `X: ${i}\r\nX-Forwarded-For: 9.9.9.${i}\r\n`));
    expect(servers.size).toBe(1);
  });

  test("behind a trusted proxy it is the address that it names", async () => {
    const proxy = await hashing("client_ip", { trustedProxies: ["127.0.0.1"] });
    const servers = new Set<string>();
    for (let i = 0; i < KEYS; i++) {
      const fields = `X-Forwarded-For: 9.9.9.${i}\r\n`;
      const one = await server(proxy, fields);
      expect(await server(proxy, fields)).toBe(one);
      servers.add(one);
    }
    expect(servers.size).toBe(4);
  });

  test.each([
    ["header:X-Tenant", (value: string) => `x-tenant: ${value}\r\n`],
    ["cookie:session", (value: string) => `Cookie: a=b; session=${value}; c\r\n`],
  ])("%s sticks, and spreads", async (hashOn, fields) => {
    const proxy = await hashing(hashOn);
    const servers = new Set<string>();
    for (let i = 0; i < KEYS; i++) {
      const one = await server(proxy, fields(`value-${i}`));
      expect(await server(proxy, fields(`value-${i}`))).toBe(one);
      servers.add(one);
    }
    expect(servers.size).toBe(4);
    expect(new Set([await server(proxy), await server(proxy), await server(proxy)]).size).toBe(1);
  });

  test("a server that goes down gives up its keys and no others", async () => {
    const proxy = await hashing("header:k");
    const before: string[] = [];
    for (let i = 0; i < 20; i++) before.push(await server(proxy, `k: ${i}\r\n`));
    proxy.setState(2, ServerState.DOWN);
    for (const [i, was] of before.entries()) {
      const now = await server(proxy, `k: ${i}\r\n`);
      if (was === "2") expect(now).not.toBe("2");
      else expect(now).toBe(was);
    }
  });
});

describe("changes while it runs", () => {
  test("a removed server's idle connections are closed and its busy ones finish", async () => {
    const { backend, waiting, release } = await held();
    const other = await Backend.answering(() => ok("other"));
    const proxy = new TestProxy([backend]);
    const idle = proxy.ask(get("/idle"));
    await eventually(() => waiting.length === 1);
    const busy = proxy.ask(get("/busy"));
    await eventually(() => waiting.length === 2);
    expect(await release()).toBe("/idle");
    await idle;
    expect(proxy.counter("UPSTREAM_IDLE")).toBe(1);
    proxy.setTargets([other], [1]);
    await eventually(() => backend.open === 1);
    expect((await proxy.ask(get())).body.toString()).toBe("other");
    await release();
    expect((await busy).status).toBe(200);
    await eventually(() => backend.open === 0);
    expect(proxy.inFlight).toBe(0);
  });

  test("a slot that is given to another server does not get the old one's connections", async () => {
    const [old, young] = [await Backend.answering(() => ok("old")), await Backend.answering(() => ok("young"))];
    const proxy = new TestProxy([old]);
    expect((await proxy.ask(get())).body.toString()).toBe("old");
    proxy.setTargets([{ port: young.port, id: 7 }]);
    for (let i = 0; i < 3; i++) expect((await proxy.ask(get())).body.toString()).toBe("young");
    await eventually(() => old.open === 0);
  });

  test("servers that stay keep their connections", async () => {
    const backend = await Backend.answering(() => ok());
    const other = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend]);
    await proxy.ask(get());
    proxy.setTargets([backend, other]);
    for (let i = 0; i < 4; i++) await proxy.ask(get());
    expect(backend.connections.length).toBe(1);
  });

  test("new settings hold for what comes, on connections that are open too", async () => {
    const backends = await Promise.all(["a", "b"].map((name) => Backend.answering(() => ok(name))));
    const proxy = new TestProxy(backends, { settings: { strategy: "round_robin" } });
    const client: Wire = await proxy.connect();
    const ask = async (request = get()) => {
      await client.send(request);
      return client.message();
    };
    const first = (await ask()).body.toString();
    expect((await ask()).body.toString()).not.toBe(first);
    proxy.change({ strategy: "consistent_hash", maxBodyBytes: 3 });
    const sticky = (await ask()).body.toString();
    for (let i = 0; i < 4; i++) expect((await ask()).body.toString()).toBe(sticky);
    expect((await ask(`${get("/", "Content-Length: 4\r\n", "POST")}four`)).status).toBe(413);
  });

  test("a new port is listened on before the old one closes", async () => {
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend]);
    const client = await proxy.connect();
    const old = proxy.port;
    const free = freePort();
    proxy.change({ port: free });
    expect(proxy.port).toBe(free);
    expect((await proxy.ask(get())).status).toBe(200);
    await client.send(get());
    expect((await client.message()).status).toBe(200); // an open connection lives on
    expect(old).not.toBe(free);
  });

  test("a port that cannot be had leaves the old listener", async () => {
    const backend = await Backend.answering(() => ok());
    const blocker = await Backend.start(() => {});
    const proxy = new TestProxy([backend]);
    const old = proxy.port;
    proxy.change({ port: blocker.port });
    expect(proxy.port).toBe(old);
    expect((await proxy.ask(get())).status).toBe(200);
    expect(proxy.logged.splice(0)).toHaveLength(1); // taken out: others would fail the test
  });

  test("over the connection limit health still answers, and the rest is 503", async () => {
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend], { settings: { maxConnections: 2 } });
    const held = [await proxy.connect(), await proxy.connect()];
    for (const client of held) {
      await client.send(get());
      expect((await client.message()).status).toBe(200);
    }
    const shed = await proxy.ask(get());
    expect([shed.status, singleValue(shed, "retry-after")]).toEqual([503, "1"]);
    expect((await proxy.ask(get("/health/live"))).status).toBe(200);
    for (const client of held) client.destroy();
    await eventually(() => proxy.counter("CONNECTIONS_OPEN") === 0);
    expect((await proxy.ask(get())).status).toBe(200);
  });
});
