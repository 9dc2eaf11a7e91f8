/** What workers tell the recorder of requests that real clients made. */
import { afterEach, describe, expect, test } from "bun:test";
import type { RouteMatch } from "../../../../src/protocol/route.ts";
import { failureCode } from "../../../../src/shared/failure-codes.ts";
import {
  DETAIL_ROWS,
  DetailWord,
  NO_POOL,
  REQUEST_ROWS,
  RecorderWish,
  RequestWord,
} from "../../../../src/shared/memory/layout/history.ts";
import { RingCursor } from "../../../../src/shared/memory/ring.ts";
import { Route } from "../../../../src/shared/memory/series-table.ts";
import { Backend, cleanUp, eventually, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { toPool } from "../../../support/proxy-settings.ts";
import type { WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

/** The records of a proxy so far. */
function recordsOf(proxy: TestProxy) {
  const found: ReturnType<typeof read>[] = [];
  const read = (words: Int32Array, floats: Float32Array, figures: Float64Array) => {
    const pool = words[RequestWord.POOL];
    return {
      server: words[RequestWord.SERVER],
      route: words[RequestWord.ROUTE] & 0xffff,
      status: words[RequestWord.ROUTE] >>> 16,
      pool: pool & 255,
      attempts: (pool >>> 8) & 255,
      failed: ((pool >>> 16) & 1) === 1,
      waitMs: floats[RequestWord.WAIT],
      durationMs: floats[RequestWord.DURATION],
      bytes: figures[RequestWord.RESPONSE_BYTES >> 1],
    };
  };
  new RingCursor(proxy.memory.history[0].requests, REQUEST_ROWS, RequestWord.LENGTH).drain(
    ({ words, floats, figures }) => void found.push(read(words, floats, figures)),
  );
  return found;
}

/** The details so far: why it failed, time to the head, in flight, path. */
function detailsOf(proxy: TestProxy) {
  const found: { error: string; headMs: number; inFlight: number; path: string }[] = [];
  new RingCursor(proxy.memory.history[0].details, DETAIL_ROWS, DetailWord.LENGTH).drain(({ words, floats }) => {
    const at = DetailWord.TEXTS * 4 + 64;
    found.push({
      error: failureCode(words[DetailWord.METHOD] >>> 8),
      headMs: floats[DetailWord.HEAD],
      inFlight: words[DetailWord.IN_FLIGHT],
      path: Buffer.from(words.buffer).toString("latin1", at, at + ((words[DetailWord.LENGTHS] >> 8) & 255)),
    });
  });
  return found;
}

async function records(proxy: TestProxy, count: number) {
  await eventually(() => recordsOf(proxy).length >= count);
  return recordsOf(proxy);
}

const ON = { history: true };

describe("a record says", () => {
  test("where a request went, how long it took and how much it got", async () => {
    const backend = await Backend.answering(() => ok("hello"));
    const proxy = new TestProxy([backend], { settings: ON });
    await proxy.ask(get("/a?b"));
    await proxy.ask(get("/api/v1/request/x"));
    const [plain, api] = await records(proxy, 2);
    expect(plain).toMatchObject({ server: 1, route: 0, status: 200, pool: 0, attempts: 1, failed: false, bytes: 5 });
    expect(plain).toMatchObject({ waitMs: 0 });
    expect(plain.durationMs).toBeGreaterThan(0);
    expect(api.route).toBe(Route.API_REQUEST);
  });

  test("how long it waited for room, served or not", async () => {
    const releases: (() => void)[] = [];
    const backend = await Backend.answering(async () => {
      await new Promise<void>((release) => releases.push(release));
      return ok();
    });
    const proxy = new TestProxy([{ port: backend.port, hardLimit: 1 }], {
      settings: { ...ON, queueSize: 2, queueTimeoutMs: 2000 },
    });
    const answers: Promise<WireMessage>[] = [];
    for (let i = 0; i < 3; i++) {
      answers.push(proxy.ask(get(`/${i}`)));
      await eventually(() => proxy.inFlight + proxy.counter("QUEUE_LENGTH") === i + 1);
    }
    expect((await proxy.ask(get("/full"))).status).toBe(503);
    await eventually(() => proxy.counter("QUEUE_TIMEOUTS") === 2);
    releases.shift()?.();
    await Promise.all(answers);
    proxy.change({ queueTimeoutMs: 60_000 });
    const served = proxy.ask(get("/first"));
    await eventually(() => releases.length === 1);
    const waiting = proxy.ask(get("/second"));
    await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
    releases.shift()?.();
    await served;
    await eventually(() => releases.length === 1);
    releases.shift()?.();
    await waiting;
    const found = await records(proxy, 6);
    const [full, late, later, , first, second] = found;
    expect(full).toMatchObject({ status: 503, server: 0, attempts: 0, failed: true, waitMs: 0 });
    for (const each of [late, later]) {
      expect(each).toMatchObject({ status: 503, server: 0, attempts: 0, failed: true });
      expect(each.waitMs).toBeGreaterThan(0);
    }
    expect(first).toMatchObject({ status: 200, waitMs: 0 });
    expect(second.status).toBe(200);
    expect(second.waitMs).toBeGreaterThan(0);
    expect(second.waitMs).toBeLessThanOrEqual(second.durationMs);
  });

  test("of a request that was sent again, how often", async () => {
    const bad = await Backend.start((connection) => connection.destroy());
    const good = await Backend.answering(() => ok());
    const proxy = new TestProxy([bad, good], { settings: { ...ON, retryBudgetPercent: 100 } });
    for (let i = 0; i < 6; i++) await proxy.ask(get());
    const found = await records(proxy, 6);
    expect(found.every(({ server, status, failed }) => server === 2 && status === 200 && !failed)).toBe(true);
    expect(found.filter(({ attempts }) => attempts === 2).length).toBe(proxy.counter("RETRIES"));
    expect(proxy.counter("RETRIES")).toBeGreaterThan(0);
  });

  test("what was refused, what no route takes, and what a route responds to itself", async () => {
    const backend = await Backend.answering(() => ok());
    const respond = { kind: "respond", status: 418, contentType: "text/plain", body: "tea" } as const;
    const match = (value: string): RouteMatch => {
      return { hosts: [], paths: [{ kind: "prefix", value }], methods: [], headers: [] };
    };
    const proxy = new TestProxy([backend], {
      settings: ON,
      routes: [
        { ...toPool("default"), number: 20, match: match("/shop") },
        { action: respond, number: 21, match: match("/tea") },
      ],
    });
    await proxy.ask("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n");
    await proxy.ask(get("/nowhere"));
    await proxy.ask(get("/tea"));
    await proxy.ask(get("/shop"));
    const found = await records(proxy, 4);
    expect(found.map(({ route, status, pool, server, failed }) => [route, status, pool, server, failed])).toEqual([
      [Route.INVALID, 400, NO_POOL, 0, false],
      [Route.NO_ROUTE, 404, NO_POOL, 0, true],
      [21, 418, NO_POOL, 0, false],
      [20, 200, 0, 1, false],
    ]);
  });
});

describe("no record is written", () => {
  test("of paths that the balancer answers itself, of questions, and of mirrored copies", async () => {
    const server = await Backend.answering(() => ok("fine"));
    const auth = await Backend.answering(({ startLine }, index) =>
      index === 0 && startLine !== "" ? ok() : "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
    );
    const shadow = await Backend.answering(() => ok());
    const forwardAuth = { pool: "auth", path: "/ask", requestHeaders: [], responseHeaders: [], timeoutMs: 10_000 };
    const proxy = new TestProxy([server, { port: auth.port, pool: 1 }, { port: shadow.port, pool: 2 }], {
      settings: { ...ON, upstreamMaxIdle: 0 },
      pools: [
        { row: 0, name: "default" },
        { row: 1, name: "auth" },
        { row: 2, name: "shadow" },
      ],
      routes: [{ ...toPool("default"), number: 20, forwardAuth, mirror: { pool: "shadow", percent: 100 } }],
    });
    await proxy.ask(get("/health/live"));
    await proxy.ask(get("/metrics"));
    await proxy.ask(get("/health/ready", "", "POST"));
    expect((await proxy.ask(get("/one"))).status).toBe(200);
    await eventually(() => shadow.received > 0);
    expect((await proxy.ask(get("/two"))).status).toBe(401);
    const found = await records(proxy, 2);
    expect(found.map(({ status, server, pool, attempts }) => [status, server, pool, attempts])).toEqual([
      [200, 1, 0, 1],
      [401, 0, 0, 0],
    ]);
  });

  test("while history is off; a reload switches it on and off", async () => {
    const backend = await Backend.answering(() => ok());
    const proxy = new TestProxy([backend]);
    proxy.memory.recorder.wishes[RecorderWish.SAMPLE_SHARE] = 1;
    await proxy.ask(get("/off"));
    const { requests, details } = proxy.memory.history[0];
    expect([requests.head[0], details.head[0]]).toEqual([0, 0]);
    proxy.change(ON);
    await proxy.ask(get("/on"));
    await records(proxy, 1);
    proxy.change({ history: false });
    await proxy.ask(get("/off"));
    expect([requests.head[0], details.head[0]]).toEqual([1, 1]);
    proxy.change(ON);
    await proxy.ask(get("/on"));
    await records(proxy, 2);
    expect(detailsOf(proxy).map(({ path }) => path)).toEqual(["/on", "/on"]);
  });
});

test("a detail says how its last attempt went", async () => {
  const releases: (() => void)[] = [];
  const backend = await Backend.answering(async ({ startLine }) => {
    if (!startLine.includes("held")) return startLine.includes("cut") ? "nonsense\r\n\r\n" : ok();
    await new Promise<void>((release) => releases.push(release));
    return ok();
  });
  const proxy = new TestProxy([backend], { settings: ON });
  proxy.memory.recorder.wishes.fill(1, RecorderWish.SAMPLE_SHARE, RecorderWish.FAILED_SHARE + 1);
  const held = proxy.ask(get("/held?x=y"));
  await eventually(() => releases.length === 1);
  await proxy.ask(get("/quick"));
  await proxy.ask(get("/cut"));
  releases[0]();
  await held;
  await records(proxy, 3);
  const [quick, cut, last] = detailsOf(proxy);
  expect(quick).toMatchObject({ error: "", inFlight: 1, path: "/quick" });
  expect(quick.headMs).toBeGreaterThan(0);
  expect(cut).toMatchObject({ error: "bad_response", inFlight: 1, headMs: Number.NaN });
  expect(last).toMatchObject({ error: "", inFlight: 0, path: "/held" });
});
