/** What a worker counts of attempts and requests, over real connections: causes, connections, handshakes, waits, durations. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { RouteSpec } from "../../../../src/protocol/route.ts";
import { ATTEMPT_CAUSES } from "../../../../src/shared/attempt-causes.ts";
import { ExemplarReader } from "../../../../src/shared/memory/exemplars.ts";
import { BriefDurationWord, DURATION_BUCKETS, DurationWord } from "../../../../src/shared/memory/layout/durations.ts";
import type { WorkerBlock } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { type Authority, type Certificate, createAuthority } from "../../../support/certificates.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { toPool } from "../../../support/proxy-settings.ts";

afterEach(cleanUp);

const block = (proxy: TestProxy): WorkerBlock => proxy.memory.workers[0];

/** What was counted of a slot, by cause. */
function causes(column: Float64Array, slot: number): Record<string, number> {
  const counts = column.subarray(slot * ATTEMPT_CAUSES.length, (slot + 1) * ATTEMPT_CAUSES.length);
  return Object.fromEntries(ATTEMPT_CAUSES.flatMap((cause, i) => (counts[i] > 0 ? [[cause, counts[i]]] : [])));
}

function expectCauses(proxy: TestProxy, slot: number, failed: Record<string, number>, retried = failed): void {
  expect(causes(block(proxy).failureCauses, slot)).toEqual(failed);
  expect(causes(block(proxy).retryCauses, slot)).toEqual(retried);
  const sum = Object.values(failed).reduce((a, b) => a + b, 0);
  expect(block(proxy).failures[slot]).toBe(sum);
}

const brief = (column: Float64Array, row: number) => {
  const words = column.subarray(row * BriefDurationWord.LENGTH, (row + 1) * BriefDurationWord.LENGTH);
  return {
    seconds: words[BriefDurationWord.SUM_SECONDS],
    count: words.subarray(BriefDurationWord.BUCKETS).reduce((a, b) => a + b, 0),
  };
};

/** By row that has any: how many requests, in classic and in native buckets. */
function durations(proxy: TestProxy): [classic: number, native: number][] {
  const column = block(proxy).durations;
  const rows: [number, number][] = [];
  for (let at = 0; at < column.length; at += DurationWord.LENGTH) {
    const count = (from: number, to: number) => column.subarray(at + from, at + to).reduce((a, b) => a + b, 0);
    const classic = count(DurationWord.BUCKETS, DurationWord.NATIVE);
    if (classic > 0) rows.push([classic, count(DurationWord.NATIVE, DurationWord.FAILED)]);
  }
  return rows;
}

describe("a server that fails", () => {
  const good = () => Backend.answering(() => ok("good"));

  test("by closing is given up for another, and both are counted under that cause", async () => {
    const bad = await Backend.start(async (connection) => {
      await connection.message();
      connection.destroy();
    });
    const proxy = new TestProxy([bad, await good()]);
    while (proxy.counter("RETRIES") === 0) expect((await proxy.ask(get())).status).toBe(200);
    expectCauses(proxy, 0, { closed_before_response: 1 });
    expectCauses(proxy, 1, {});
  });

  test("by refusing connections", async () => {
    const proxy = new TestProxy([{ port: 1 }, await good()]);
    for (let i = 0; i < 2; i++) expect((await proxy.ask(get())).status).toBe(200);
    const refused = proxy.counter("UPSTREAM_CONNECT_FAILURES");
    expect(refused).toBeGreaterThan(0);
    expectCauses(proxy, 0, { connect_refused: refused });
    expect(brief(block(proxy).connects, 0).count).toBe(0);
    expect(brief(block(proxy).connects, 1).count).toBe(proxy.counter("UPSTREAM_CONNECTS") - refused);
  });

  test("with 5xx: one that is passed over is a retry, one that is the client's is none", async () => {
    const failing = await Backend.answering(() => "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    const proxy = new TestProxy([failing, await good()], { settings: { retryOnStatus: [503], strategy: "random" } });
    while (proxy.counter("RETRIES") === 0) expect((await proxy.ask(get())).status).toBe(200);
    expectCauses(proxy, 0, { server_error: 1 });
    proxy.change({ retryOnStatus: [] });
    while (block(proxy).failures[0] === 1) await proxy.ask(get());
    expectCauses(proxy, 0, { server_error: 2 }, { server_error: 1 });
  });

  test("by cutting its response, or by standing still in it, which nobody tries again", async () => {
    const cut = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      connection.destroy();
    });
    const still = await Backend.answering(() => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    const proxy = new TestProxy([cut, still], { settings: { responseBodyTimeoutMs: 100 } });
    for (let i = 0; i < 2; i++) {
      const client = await proxy.connect();
      await client.send(get());
      await eventually(() => client.ended !== null);
    }
    await eventually(() => block(proxy).failures[0] + block(proxy).failures[1] === 2);
    expectCauses(proxy, 0, { response_truncated: 1 }, {});
    expectCauses(proxy, 1, { response_body_timeout: 1 }, {});
  });

  test("by taking longer than one attempt may", async () => {
    const slow = await Backend.start(() => {});
    const proxy = new TestProxy([slow, await good()], { settings: { perTryTimeoutMs: 1000 } });
    for (let i = 0; i < 2; i++) expect((await proxy.ask(get())).status).toBe(200);
    expect(proxy.counter("RETRIES")).toBeGreaterThan(0);
    expectCauses(proxy, 0, { try_timeout: proxy.counter("RETRIES") });
  });

  test("not at all, but its kept connection was closed: a retry, and no failure", async () => {
    let closes = true;
    const backend = await Backend.start(async (connection) => {
      await connection.message();
      await connection.send(ok("once"));
      if (!closes) return;
      closes = false;
      await connection.message();
      connection.destroy();
    });
    const proxy = new TestProxy([backend]);
    const client = await proxy.connect();
    for (let i = 0; i < 2; i++) {
      await client.send(get());
      expect((await client.message()).status).toBe(200);
    }
    expectCauses(proxy, 0, {}, { stale_connection: 1 });
    expect(block(proxy).reuses[0]).toBe(1);
    expect(brief(block(proxy).connects, 0).count).toBe(2);
  });
});

describe("connections", () => {
  let authority: Authority;
  let certificate: Certificate;
  beforeAll(() => {
    authority = createAuthority();
    certificate = authority.issue("IP:127.0.0.1");
  });

  test("with TLS have a handshake, which is a part of connecting; kept ones are reused", async () => {
    const secure = await Backend.answering(() => ok(), { tls: certificate });
    const plain = await Backend.answering(() => ok());
    const proxy = new TestProxy([secure, plain], { settings: { upstreamCaPem: authority.cert } });
    for (let i = 0; i < 8; i++) expect((await proxy.ask(get())).status).toBe(200);
    const { connects, handshakes, reuses } = block(proxy);
    expect(brief(handshakes, 0).count).toBe(brief(connects, 0).count);
    expect(brief(handshakes, 0).count).toBeGreaterThan(0);
    expect(brief(handshakes, 0).seconds).toBeGreaterThan(0);
    expect(brief(handshakes, 0).seconds).toBeLessThanOrEqual(brief(connects, 0).seconds);
    expect(brief(handshakes, 1).count).toBe(0);
    expect(brief(connects, 0).count + brief(connects, 1).count).toBe(proxy.counter("UPSTREAM_CONNECTS"));
    expect(reuses[0] + reuses[1]).toBe(proxy.counter("UPSTREAM_REUSES"));
    expect(reuses[0]).toBeGreaterThan(0);
  });
});

test("who waits in the queue is counted in its pool, whatever becomes of it; who does not is not", async () => {
  const held: (() => void)[] = [];
  const backend = await Backend.answering(async () => {
    await new Promise<void>((resolve) => held.push(resolve));
    return ok();
  });
  const proxy = new TestProxy([{ port: backend.port, hardLimit: 1, pool: 3 }], {
    pools: [{ row: 3, name: "narrow", settings: { queueTimeoutMs: 200 } }],
  });
  const first = proxy.ask(get("/1"));
  await eventually(() => proxy.inFlight === 1);
  expect((await proxy.ask(get("/2"))).status).toBe(503);
  expect(brief(block(proxy).waits, 3).count).toBe(1);
  expect(brief(block(proxy).waits, 3).seconds).toBeGreaterThan(0.1);
  proxy.change({}, { pools: [{ row: 3, name: "narrow", settings: { queueTimeoutMs: 60_000 } }] });
  const third = proxy.ask(get("/3"));
  await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
  held[0]();
  expect((await first).status).toBe(200);
  await eventually(() => held.length === 2);
  held[1]();
  expect((await third).status).toBe(200);
  await eventually(() => brief(block(proxy).waits, 3).count === 2);
});

describe("durations of requests", () => {
  const route = (number: number, path: string, pool: string): Partial<RouteSpec> => ({
    ...toPool(pool),
    number,
    name: path,
    match: { hosts: [], paths: [{ kind: "prefix", value: path }], methods: [], headers: [] },
  });
  const POOLS = [
    { row: 0, name: "a" },
    { row: 1, name: "b" },
  ];

  test("are counted by route and pool, those of no route too, and not those of reserved paths and refusals", async () => {
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy(
      [
        { port: backend.port, pool: 0 },
        { port: backend.port, pool: 1 },
      ],
      { pools: POOLS, routes: [route(16, "/a", "a"), route(17, "/b", "b")] },
    );
    for (const path of ["/a", "/b", "/b/1", "/b/2", "/else", "/else"]) await proxy.ask(get(path));
    await proxy.ask(get("/health/live"));
    await proxy.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
    await eventually(() => durations(proxy).reduce((sum, [classic]) => sum + classic, 0) === 6);
    expect(durations(proxy).sort()).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });

  test("have the last sampled request of each bucket as an example, only while traces are exported", async () => {
    const backend = await Backend.answering(() => ok());
    const tracing = { ratio: 0, parentBased: true, propagates: true };
    const proxy = new TestProxy([backend], { settings: { tracing } });
    const trace = (last: string) => `0af7651916cd43dd8448eb211c8031${last}`;
    const send = async (last: string, flags: string) => {
      await proxy.ask(get("/", `traceparent: 00-${trace(last)}-b7ad6b7169203331-${flags}\r\n`));
      await eventually(() => proxy.inFlight === 0);
    };
    const examples = () => {
      const { durationKeys, exemplars } = block(proxy);
      const reader = new ExemplarReader(exemplars);
      const rows = [...durationKeys.keys()].filter((row) => durationKeys[row] !== 0);
      return rows.flatMap((row) =>
        Array.from({ length: DURATION_BUCKETS }, (_, bucket) => reader.read(row, bucket)).filter((one) => one !== null),
      );
    };
    await send("01", "00");
    expect(examples()).toEqual([]);
    await send("02", "01");
    expect(examples().map(({ traceId }) => traceId)).toEqual([trace("02")]);
    const [{ value, timeMs }] = examples();
    expect(value).toBeGreaterThan(0);
    expect(Math.abs(timeMs - Date.now())).toBeLessThan(60_000);
    proxy.change({ tracing: null });
    await send("03", "01");
    expect(examples().map(({ traceId }) => traceId)).toEqual([trace("02")]);
    proxy.change({ tracing });
    expect(examples()).toEqual([]); // of another run: its routes may have been others
  });

  test("go on over reloads, and a request that ends after its route has gone is nobody else's", async () => {
    let release: (() => void) | null = null;
    const backend = await Backend.answering(async ({ startLine }) => {
      if (startLine.includes("/slow")) await new Promise<void>((resolve) => (release = resolve));
      return ok();
    });
    const first = [route(16, "/a", "a"), route(17, "/b", "b")];
    const proxy = new TestProxy([{ port: backend.port }], { pools: [POOLS[0]], routes: [route(16, "/a", "a")] });
    await proxy.ask(get("/a"));
    const slow = proxy.ask(get("/a/slow"));
    const end = await eventually(() => release as (() => void) | null);
    // So many others that the row is needed, and it is given away.
    const others = Array.from({ length: 40 }, (_, i) => route(100 + i, `/other-${i}`, "a"));
    proxy.change({}, { pools: POOLS, routes: others });
    await proxy.ask(get("/other-0"));
    end();
    expect((await slow).status).toBe(200);
    await eventually(() => proxy.inFlight === 0);
    proxy.change({}, { pools: POOLS, routes: first });
    await proxy.ask(get("/a"));
    const total = () => durations(proxy).reduce((sum, [classic]) => sum + classic, 0);
    await eventually(() => total() >= 3);
    expect(durations(proxy).every(([classic, native]) => classic === native)).toBe(true);
  });
});
