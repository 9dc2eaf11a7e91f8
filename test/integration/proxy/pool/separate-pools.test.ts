/** Two pools in one worker: what becomes of the one is nothing to the other. */
import { afterAll, describe, expect, test } from "bun:test";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { type TestPool, toPool } from "../../../support/proxy-settings.ts";

afterAll(cleanUp);

const GOOD = { row: 0, name: "good" };
const BAD = { row: 5, name: "bad" };

/** `/bad…` goes to the pool `bad`, all else to `good`. */
const ROUTES = [
  {
    number: 16,
    name: "bad",
    match: { hosts: [], paths: [prefix("/bad")], methods: [], headers: [] },
    ...toPool("bad"),
  },
  { number: 17, name: "good", ...toPool("good") },
];

function prefix(value: string) {
  return { kind: "prefix", value } as const;
}

function pools(bad: TestPool["settings"] = {}, good: TestPool["settings"] = {}): TestPool[] {
  return [
    { ...GOOD, settings: good },
    { ...BAD, settings: bad },
  ];
}

/** A server that takes requests and never answers. */
const silent = () => Backend.start((connection) => connection.message());

/** Asks the good pool `count` times. @returns the bodies. */
async function askGood(proxy: TestProxy, count: number): Promise<string[]> {
  const answers = [];
  for (let i = 0; i < count; i++) answers.push(await proxy.ask(get(`/${i}`)));
  return answers.map(({ body }) => body.toString("latin1"));
}

describe("a pool whose servers are all full, with a queue that is full too", () => {
  test("leaves the other its places, its queue and its connections", async () => {
    const bad = await silent();
    const good = await Backend.answering(() => ok("fine"));
    const proxy = new TestProxy([good, { port: bad.port, pool: BAD.row, hardLimit: 2 }], {
      pools: pools({ queueSize: 3, queueTimeoutMs: 60_000 }),
      routes: ROUTES,
    });
    const clients = await Promise.all(Array.from({ length: 6 }, () => proxy.connect()));
    for (const client of clients.slice(0, 5)) await client.send(get("/bad"));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 3);
    await clients[5].send(get("/bad"));
    expect(await clients[5].message()).toMatchObject({ status: 503 });
    expect(proxy.counter("QUEUE_REJECTED")).toBe(1);
    expect(await askGood(proxy, 20)).toEqual(Array(20).fill("fine"));
    expect([proxy.counter("QUEUE_LENGTH"), proxy.memory.servers.inFlight[1]]).toEqual([3, 2]);
    // Only the one connection that serves one request after the other.
    expect(good.connections).toHaveLength(1);
    for (const client of clients) client.destroy();
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 0 && proxy.inFlight === 0);
  });

  test("its clients wait their own time", async () => {
    const bad = await silent();
    const proxy = new TestProxy([{ port: bad.port, pool: BAD.row, hardLimit: 1 }], {
      pools: pools({ queueTimeoutMs: 100 }, { queueTimeoutMs: 60_000 }),
      routes: ROUTES,
    });
    const holder = await proxy.connect();
    await holder.send(get("/bad"));
    await eventually(() => proxy.inFlight === 1);
    expect((await proxy.ask(get("/bad"))).body.toString("latin1")).toContain("queue_timeout");
    holder.destroy();
  });
});

test("a pool that spends its budget for retries leaves the other its own", async () => {
  // What a server has had costs budget: the request is read first.
  const failing = async () => {
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      connection.reset();
    });
    return backend.port;
  };
  let resets = 0;
  const flaky = await Backend.start(async (connection) => {
    for (;;) {
      await connection.message();
      if (resets++ === 0) return connection.reset();
      await connection.send(ok("second"));
    }
  });
  const dead = await Promise.all([failing(), failing(), failing()]);
  const proxy = new TestProxy([flaky, ...dead.map((port) => ({ port, pool: BAD.row }))], {
    pools: pools({ retryBudgetPercent: 1 }, { retryBudgetPercent: 1 }),
    routes: ROUTES,
  });
  await eventually(async () => {
    await proxy.ask(get("/bad"));
    return proxy.counter("RETRIES_DENIED_BY_BUDGET") > 0;
  });
  expect(await askGood(proxy, 1)).toEqual(["second"]);
});

test("failures in one pool make no server of the other suspect, and a pool in panic is no other's", async () => {
  const one = await Backend.answering(() => ok("one"));
  const two = await Backend.answering(() => ok("two"));
  const proxy = new TestProxy([one, two, { port: 1, pool: BAD.row }], {
    pools: pools({ outlierConsecutiveFailures: 2 }, { outlierConsecutiveFailures: 2 }),
    routes: ROUTES,
  });
  for (let i = 0; i < 5; i++) expect((await proxy.ask(get("/bad"))).status).toBe(502);
  proxy.setState(2, ServerState.DOWN, true);
  proxy.setState(1, ServerState.DOWN);
  expect(await askGood(proxy, 4)).toEqual(["one", "one", "one", "one"]);
  expect((await proxy.ask(get("/bad"))).status).toBe(502); // in panic it is asked all the same
  proxy.setState(2, ServerState.DOWN, false);
  expect((await proxy.ask(get("/bad"))).body.toString("latin1")).toContain("no_server_available");
});

test("each pool has its own strategy, and turns of its own", async () => {
  const names = ["a", "b", "c", "d"];
  const servers = await Promise.all(names.map((name) => Backend.answering(() => ok(name))));
  const proxy = new TestProxy(
    servers.map(({ port }, index) => ({ port, pool: index < 2 ? GOOD.row : BAD.row })),
    { pools: pools({ strategy: "consistent_hash", hashOn: "header:x-key" }), routes: ROUTES },
  );
  const seen = { good: new Set<string>(), bad: new Set<string>() };
  for (let i = 0; i < 6; i++) {
    seen.good.add((await proxy.ask(get("/"))).body.toString("latin1"));
    seen.bad.add((await proxy.ask(get("/bad", "X-Key: same\r\n"))).body.toString("latin1"));
  }
  expect([...seen.good].sort()).toEqual(["a", "b"]);
  expect(seen.bad.size).toBe(1);
  expect(["c", "d"]).toContain([...seen.bad][0]);
});

describe("what no route takes", () => {
  const route = {
    number: 16,
    name: "only",
    match: { hosts: ["b.example"], paths: [prefix("/")], methods: [], headers: [] },
    ...toPool("good"),
  };

  test("is answered with 404, and the connection lives on", async () => {
    const good = await Backend.answering(() => ok("fine"));
    const proxy = new TestProxy([good], { pools: pools(), routes: [route], settings: { accessLog: true } });
    const client = await proxy.connect();
    await client.send(get("/x"));
    const answer = await client.message();
    expect(answer.status).toBe(404);
    expect(answer.body.toString()).toContain('"no_route"');
    await client.send("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n");
    expect((await client.message()).status).toBe(200);
    client.destroy();
    const [first, second] = (await proxy.logLines(2)).map((line) => JSON.parse(line));
    expect(first).toMatchObject({ status: 404, error: "no_route", error_source: "internal", server_id: 0 });
    expect(first).not.toHaveProperty("route");
    expect(second).toMatchObject({ status: 200, route: "only", pool: "good", server_id: 1 });
  });
});

test("lines of the text log name route and pool", async () => {
  const good = await Backend.answering(() => ok("fine"));
  const proxy = new TestProxy([good], {
    pools: pools(),
    routes: [{ number: 20, name: 'a "b"', ...toPool("good") }],
    settings: { accessLog: true, logFormat: "text" },
  });
  await proxy.ask(get("/"));
  expect((await proxy.logLines(1))[0]).toContain(' server=1 route="a \\"b\\"" pool="good" request_id=');
});
