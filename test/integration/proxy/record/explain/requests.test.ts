/** What is kept of requests so that they can be explained, over real connections. */
import { afterEach, describe, expect, test } from "bun:test";
import { STRATEGY_NAMES } from "../../../../../src/balancing/registry.ts";
import { ServerState } from "../../../../../src/shared/memory/layout/shared-memory.ts";
import { explainReader, serverNamed } from "../../../../support/explain-reader.ts";
import {
  Backend,
  cleanUp,
  eventually,
  get,
  ok,
  type ProxyOptions,
  type Target,
  TestProxy,
} from "../../../../support/proxy-harness.ts";
import { singleValue } from "../../../../support/wire.ts";

afterEach(cleanUp);

const ANY = { reason: "any", pool: null, server: null, route: null, limit: 100 } as const;
const signal = new AbortController().signal;

function explained(targets: readonly Target[], options: ProxyOptions = {}) {
  const proxy = new TestProxy(targets, options);
  const servers = targets.map(({ port }, index) => serverNamed(index + 1, `http://127.0.0.1:${port}`));
  const reader = explainReader(proxy.memory.explain, { servers });
  /** When there are so many. */
  const recent = async (count: number, query: Partial<Parameters<typeof reader.requests>[0]> = {}) => {
    let list = await reader.requests({ ...ANY, ...query }, signal);
    await eventually(async () => {
      list = await reader.requests({ ...ANY, ...query }, signal);
      return list.requests.length >= count;
    });
    return list.requests;
  };
  return { proxy, reader, recent };
}

async function three() {
  const backends = [0, 1, 2].map(() => Backend.answering(() => ok("fine")));
  return (await Promise.all(backends)).map(({ port }) => ({ port }));
}

describe("every strategy", () => {
  for (const strategy of STRATEGY_NAMES) {
    test(`${strategy} says which numbers it went by`, async () => {
      const targets = await three();
      const { proxy, reader, recent } = explained(targets, { settings: { strategy } });
      for (let i = 0; i < 12; i++) await proxy.ask(get(`/item/${i}?secret=1`));
      const requests = await recent(12);
      expect(requests.map(({ path }) => path)).toContain("/item/11");
      for (const { request_id } of requests) {
        const { attempts, summary, status, duration_ms, pool } = await reader.explain(request_id, null, signal);
        expect([status, pool, attempts.length]).toEqual([200, "default", 1]);
        expect(duration_ms).toBeGreaterThan(0);
        const [attempt] = attempts;
        expect(attempt.strategy).toBe(strategy);
        expect(attempt.kind).toBe("first");
        expect(attempt.candidate_count).toBe(3);
        expect(attempt.candidates.length).toBe(3);
        const chosen = attempt.candidates.filter((candidate) => candidate.chosen);
        expect(chosen.map(({ url }) => url)).toEqual([attempt.url]);
        expect(chosen[0].score).not.toBeNull();
        expect(chosen[0]).toMatchObject({ in_flight: 0, weight: 1, full: false });
        expect(attempt.scale?.name).toBeString();
        expect(attempt.choice).not.toBe("unknown");
        expect(attempt.responded).toBe(true);
        expect(attempt.outcome).toMatchObject({ failed: false });
        expect(summary).toContain(`It went to ${attempt.url}`);
      }
    });
  }
});

test("who could not be asked is told of, and why", async () => {
  const [up, ...others] = await three();
  const { proxy, recent, reader } = explained([up, ...others], { settings: { strategy: "least_connections" } });
  proxy.setState(1, ServerState.DOWN);
  proxy.setState(2, ServerState.EJECTED);
  await proxy.ask(get("/"));
  const [{ request_id }] = await recent(1);
  const { attempts } = await reader.explain(request_id, null, signal);
  expect(attempts[0]).toMatchObject({ choice: "only_one", candidate_count: 1, ineligible_count: 2 });
  expect(attempts[0].ineligible_by_state).toEqual({ down: 1, ejected: 1 });
  expect(attempts[0].ineligible.map(({ url, state }) => [url, state])).toEqual([
    [`http://127.0.0.1:${others[0].port}`, "down"],
    [`http://127.0.0.1:${others[1].port}`, "ejected"],
  ]);
});

test("retries are explained: who failed, why, and why the other one was asked", async () => {
  const [good] = await three();
  const { proxy, recent, reader } = explained([{ port: 1 }, good], { settings: { strategy: "round_robin" } });
  for (let i = 0; i < 4; i++) expect((await proxy.ask(get("/retried"))).status).toBe(200);
  const tried = (await recent(4)).filter(({ attempt_count }) => attempt_count > 1);
  expect(tried.length).toBeGreaterThan(0);
  const { attempts, summary } = await reader.explain(tried.at(-1)?.request_id ?? "", null, signal);
  expect(attempts.map(({ kind, failure, responded }) => [kind, failure, responded])).toEqual([
    ["first", "connect_refused", false],
    ["retry", null, true],
  ]);
  expect(attempts[1].ineligible_by_state).toEqual({ failed_before: 1 });
  expect(summary).toContain("It was tried again at");
});

test("who waited is told why", async () => {
  const releases: (() => void)[] = [];
  const slow = await Backend.answering(async () => {
    await new Promise<void>((resolve) => releases.push(resolve));
    return ok();
  });
  const { proxy, recent, reader } = explained([{ port: slow.port, hardLimit: 1 }]);
  const first = proxy.ask(get("/first"));
  await eventually(() => releases.length === 1);
  const second = proxy.ask(get("/second"));
  await eventually(() => proxy.counter("QUEUE_LENGTH") === 1);
  releases[0]();
  await first;
  await eventually(() => releases.length === 2);
  releases[1]();
  await second;
  const waited = (await recent(2)).find(({ path }) => path === "/second");
  expect(waited?.waited_ms).toBeGreaterThan(0);
  const { wait_reason, summary } = await reader.explain(waited?.request_id ?? "", null, signal);
  expect(wait_reason).toContain("at their limit");
  expect(summary).toContain("in the queue");
});

test("errors and refusals are kept with what their clients were told", async () => {
  const bad = await Backend.answering(() => "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  const { proxy, reader } = explained([{ port: bad.port }]);
  await proxy.ask(get("/own"));
  const refused = await proxy.ask("GET / HTTP/1.1\r\nBad Field: x\r\n\r\n");
  proxy.setState(0, ServerState.DOWN);
  const none = await proxy.ask(get("/none"));
  const { errors, counts } = await reader.errors(ANY, signal);
  expect(errors.map(({ failure, status }) => [failure, status])).toEqual([
    ["no_server_available", 503],
    ["space_before_colon", 400],
    ["server_error", 503],
  ]);
  expect(errors[0].proxy_status).toBe(singleValue(none, "proxy-status") ?? "");
  expect(errors[1].proxy_status).toBe(singleValue(refused, "proxy-status") ?? "");
  expect(errors[2].proxy_status).toBeNull();
  expect(errors[0].client).toBe("127.0.0.1");
  expect(errors[0].request_id).toBe(singleValue(none, "x-request-id") ?? "");
  expect(counts.find(({ code }) => code === "server_error")?.count).toBe(1);
  expect((await reader.explain(errors[0].request_id, null, signal)).summary).toContain("No server was asked");
});

test("an id that a trusted peer gave is found whole, and shown cut", async () => {
  const targets = await three();
  const { proxy, reader, recent } = explained(targets, { settings: { trustedProxies: ["127.0.0.0/8"] } });
  const id = `order-${"4711".repeat(20)}`;
  await proxy.ask(get("/", `X-Request-Id: ${id}\r\n`));
  await proxy.ask(get("/again", `X-Request-Id: ${id}\r\n`));
  const [{ request_id }] = await recent(2);
  expect(request_id).toBe(id.slice(0, 40));
  const { path, same_id } = await reader.explain(id, null, signal);
  expect(path).toBe("/again");
  expect(same_id.map((other) => other.path)).toEqual(["/"]);
});

test("one that is not there is said to be unknown, and how far back memory goes", async () => {
  const { reader } = explained(await three());
  await expect(reader.explain("f".repeat(32), null, signal)).rejects.toThrow("nothing is in memory yet");
});

test("filters by pool, server, route and reason", async () => {
  const targets = await three();
  const { proxy, recent, reader } = explained(targets, { settings: { strategy: "round_robin" } });
  for (let i = 0; i < 6; i++) await proxy.ask(get(`/${i}`));
  expect((await recent(2, { server: `127.0.0.1:${targets[1].port}` })).length).toBe(2);
  expect((await recent(2, { server: "2" })).length).toBe(2);
  expect((await recent(6, { pool: "default" })).length).toBe(6);
  expect((await reader.requests({ ...ANY, pool: "other" }, signal)).requests).toEqual([]);
  expect((await reader.requests({ ...ANY, reason: "failed" }, signal)).requests).toEqual([]);
  expect((await recent(3, { limit: 3 })).map(({ path }) => path)).toEqual(["/5", "/4", "/3"]);
});

test("with EXPLAIN=off nothing is kept", async () => {
  const { proxy, reader } = explained(await three(), { settings: { explain: false } });
  await proxy.ask(get("/"));
  expect((await reader.requests(ANY, signal)).requests).toEqual([]);
});

test("300 servers: the best are named, and all are counted", async () => {
  const { port } = await Backend.answering(() => ok());
  const targets = Array.from({ length: 300 }, () => ({ port }));
  const { proxy, recent, reader } = explained(targets, { settings: { strategy: "least_connections" } });
  await proxy.ask(get("/"));
  const [{ request_id }] = await recent(1);
  const [attempt] = (await reader.explain(request_id, null, signal)).attempts;
  expect(attempt.candidate_count).toBe(300);
  expect(attempt.candidates.length).toBe(8);
  expect(attempt.candidates.filter(({ chosen }) => chosen).length).toBe(1);
});
