/** Pools and routes that come, stay and go while requests are under way. */
import { afterAll, describe, expect, test } from "bun:test";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { toPool } from "../../../support/proxy-settings.ts";

afterAll(cleanUp);

const A = { row: 0, name: "a" };
const B = { row: 1, name: "b" };
const C = { row: 2, name: "c" };

function named(name: string): Promise<Backend> {
  return Backend.answering(() => ok(name));
}

function route(number: number, pool: string, path = "/") {
  const paths = [{ kind: "prefix", value: path } as const];
  return { number, name: pool, match: { hosts: [], paths, methods: [], headers: [] }, ...toPool(pool) };
}

async function bodyOf(proxy: TestProxy, path = "/"): Promise<string> {
  return (await proxy.ask(get(path))).body.toString("latin1");
}

test("a request under way goes on where it was sent, a pool that is gone notwithstanding", async () => {
  const waiting: (() => void)[] = [];
  const slow = await Backend.answering(async () => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return ok("from b");
  });
  const a = await named("a");
  const proxy = new TestProxy([a, { port: slow.port, pool: B.row, hardLimit: 1 }], {
    pools: [A, B],
    routes: [route(16, "b", "/b"), route(17, "a")],
  });
  // One is at the server, one waits for it.
  const clients = [await proxy.connect(), await proxy.connect()];
  await clients[0].send(get("/b"));
  await eventually(() => waiting.length === 1);
  await clients[1].send(get("/b"));
  await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
  proxy.change({}, { pools: [A], routes: [route(17, "a")] });
  expect(await bodyOf(proxy, "/b")).toBe("a");
  for (const [index, client] of clients.entries()) {
    await eventually(() => waiting.length === index + 1);
    waiting[index]();
    expect((await client.message()).body.toString("latin1")).toBe("from b");
    client.destroy();
  }
  // With its last server the pool gives its connections up.
  expect(slow.open).toBe(1);
  proxy.setTargets([a]);
  await eventually(() => slow.open === 0);
  expect([proxy.inFlight, proxy.counter("QUEUE_LENGTH")]).toEqual([0, 0]);
});

test("a pool that stays keeps connections, turns and budgets; its servers may be told of before it is", async () => {
  const [one, two, c] = await Promise.all(["one", "two", "c"].map(named));
  const targets = [one, two].map(({ port }) => ({ port, pool: A.row }));
  const proxy = new TestProxy(targets, { pools: [A], routes: [route(16, "a")] });
  // Each worker begins at a place of its own.
  while ((await bodyOf(proxy)) !== "one");
  proxy.setTargets([...targets, { port: c.port, pool: C.row }]);
  expect(await bodyOf(proxy, "/c")).toBe("two");
  proxy.change({}, { pools: [A, C], routes: [route(17, "c", "/c"), route(16, "a")] });
  expect([await bodyOf(proxy), await bodyOf(proxy, "/c"), await bodyOf(proxy)]).toEqual(["one", "c", "two"]);
  expect([one.connections.length, two.connections.length, c.connections.length]).toEqual([1, 1, 1]);
});

test("another pool in the row of one that is gone begins anew", async () => {
  const [a, b] = [await named("a"), await named("b")];
  const proxy = new TestProxy([a], { pools: [A], routes: [route(16, "a")] });
  expect(await bodyOf(proxy)).toBe("a");
  proxy.setTargets([]);
  proxy.change({}, { pools: [{ row: A.row, name: "again" }], routes: [route(16, "again")] });
  proxy.setTargets([{ port: b.port, id: 9 }]);
  expect(await bodyOf(proxy)).toBe("b");
  await eventually(() => a.open === 0);
});

describe("under load", () => {
  test("no request is lost while pools and routes come and go", async () => {
    const [a, b, c] = await Promise.all(["a", "b", "c"].map(named));
    const at = { a: { port: a.port, pool: A.row }, b: { port: b.port, pool: B.row }, c: { port: c.port, pool: C.row } };
    const proxy = new TestProxy([at.a, at.b, at.c], { pools: [A, B], routes: [route(16, "b", "/x"), route(17, "a")] });
    let running = true;
    const odd: string[] = [];
    let asked = 0;
    const client = async (path: string, allowed: string): Promise<void> => {
      const wire = await proxy.connect();
      while (running) {
        await wire.send(get(path));
        const { status, body } = await wire.message();
        asked++;
        if (status !== 200 || !allowed.includes(body.toString("latin1"))) odd.push(`${path}: ${status} ${body}`);
      }
      wire.destroy();
    };
    const clients = [...Array(4)].flatMap(() => [client("/", "a"), client("/x", "abc")]);
    const plans = [
      { pools: [A], routes: [route(17, "a")] },
      { pools: [A, C], routes: [route(18, "c", "/x"), route(17, "a")] },
      { pools: [A, B, C], routes: [{ ...route(16, "b", "/x"), ...split("b", "c") }, route(17, "a")] },
      { pools: [A, B], routes: [route(16, "b", "/x"), route(17, "a")] },
    ];
    for (let turn = 0; turn < 60; turn++) {
      const before = asked;
      proxy.change({ retryAttempts: turn % 3 }, plans[turn % plans.length]);
      await eventually(() => asked >= before + 10);
    }
    running = false;
    await Promise.all(clients);
    expect(odd).toEqual([]);
    expect([proxy.inFlight, proxy.counter("QUEUE_LENGTH"), proxy.counter("INTERNAL_ERRORS")]).toEqual([0, 0, 0]);
    // The pool that stayed kept its connections all the while.
    expect(a.connections.length).toBeLessThanOrEqual(8);
  });
});

function split(...pools: string[]) {
  return {
    action: { kind: "forward", targets: pools.map((pool) => ({ pool, weight: 1 })), splitBy: null },
  } as const;
}
