import { describe, expect, test } from "bun:test";
import { csvOf } from "../../../../src/cli/stats/csv.ts";
import { textOf } from "../../../../src/cli/stats/text.ts";
import type { Figures } from "../../../../src/history/traffic/tally.ts";
import type { TrafficAnswer } from "../../../../src/history/traffic/traffic.ts";

const figures: Figures = {
  requests: 1200,
  requests_per_second: 0.3333,
  share: 0.75,
  errors: 3,
  error_share: 0.0025,
  client_errors: 7,
  retries: 4,
  waited: 2,
  wait_mean_ms: 12.5,
  mean_ms: 20.25,
  p50_ms: 18.03,
  p95_ms: 250.4,
  p99_ms: 12_345,
  response_bytes: 99,
};

const SCOPE = { since: "2026-11-29T13:00:00Z", until: "2026-11-29T14:00:00Z", notes: [] } as const;

function traffic(rest: Partial<TrafficAnswer>): TrafficAnswer {
  return { ...SCOPE, subject: "traffic", by: null, group: ["server"], total: figures, rows: [], ...rest };
}

describe("traffic as text", () => {
  test("by server; the pool is named where there are several", () => {
    const rows = [
      { pool: "shop", server: "10.0.0.1:80", ...figures },
      { pool: "shop", server: null, ...figures, share: 0, p50_ms: null },
    ];
    expect(textOf(traffic({ rows })).split("\n")).toEqual([
      "2026-11-29 13:00:00 to 2026-11-29 14:00:00 UTC",
      "",
      "SERVER       REQUESTS  PER S  SHARE   ERRORS  P50    P95     P99     RETRIES  WAITED  WAIT",
      "10.0.0.1:80  1200      0.333  75.0 %  0.25 %  18 ms  250 ms  12.3 s  4        2       12.5 ms",
      "(none)       1200      0.333  0 %     0.25 %  -      250 ms  12.3 s  4        2       12.5 ms",
      "total        1200      0.333  75.0 %  0.25 %  18 ms  250 ms  12.3 s  4        2       12.5 ms",
    ]);
    const pools = textOf(traffic({ rows: [...rows, { ...rows[0], pool: "api" }] }));
    expect(pools).toContain("POOL   SERVER       REQUESTS");
  });

  test("by time", () => {
    const rows = [{ at: "2026-11-29T13:01:00Z", route: "one", ...figures }];
    const text = textOf(traffic({ by: "minute", group: ["route"], rows }));
    expect(text).toContain("TIME (UTC)        ROUTE  REQUESTS");
    expect(text).toContain("2026-11-29 13:01  one    1200");
    expect(textOf(traffic({ by: "day", group: [], rows }))).toContain("\n2026-11-29  1200");
  });

  test("few errors of many are not none", () => {
    expect(textOf(traffic({ total: { ...figures, error_share: 0.00001 } }))).toContain("< 0.01 %");
  });

  test("without rows, the total alone", () => {
    expect(textOf(traffic({ group: [] })).split("\n")).toHaveLength(4);
  });
});

test("what a name holds reaches no terminal as a command", () => {
  const event = {
    at: "2026-11-29T13:00:00.250Z",
    kind: "change",
    pool: "x\u001b[2J",
    server: null,
    address: null,
    actor: "admin API (127.0.0.1)",
    message: "weight\nof a:80",
    detail: { weight: 2 },
    instance: "edge-1",
  } as const;
  const answer = { ...SCOPE, subject: "events", events: [event] } as const;
  expect(textOf(answer).split("\n")[3]).toBe(
    "2026-11-29 13:00:00  change  x\\u001b[2J  -       admin API (127.0.0.1)  weight\\nof a:80",
  );
  expect(csvOf(answer)).toEqual([
    ["at", "kind", "pool", "server", "address", "actor", "message", "detail", "instance"],
    [event.at, "change", event.pool, "", "", event.actor, event.message, '{"weight":2}', "edge-1"],
  ]);
});

test("events of several instances that share a store say whose they are", () => {
  const event = { at: SCOPE.since, kind: "start", pool: null, server: null, address: null, actor: "balancer" } as const;
  const [one, two] = ["edge-1", "edge-2"].map((instance) => ({ ...event, message: "Began.", detail: null, instance }));
  const text = (...events: (typeof one)[]) => textOf({ ...SCOPE, subject: "events", events });
  expect(text(one, one)).not.toContain("edge-1");
  expect(text(one, two).split("\n").slice(2)).toEqual([
    "TIME (UTC)           INSTANCE  KIND   POOL  SERVER  BY        WHAT",
    "2026-11-29 13:00:00  edge-1    start  -     -       balancer  Began.",
    "2026-11-29 13:00:00  edge-2    start  -     -       balancer  Began.",
  ]);
});

test("no answer without rows is an empty table", () => {
  expect(textOf({ ...SCOPE, subject: "events", events: [] })).toBe(
    "2026-11-29 13:00:00 to 2026-11-29 14:00:00 UTC: no events.",
  );
  const requests = { ...SCOPE, subject: "requests", order: "newest", found: 0, found_weight: 0, requests: [] } as const;
  expect(textOf(requests)).toContain(": no requests.");
  expect(textOf({ ...SCOPE, subject: "servers", servers: [] })).toContain(": no servers.");
  const incident = { ...SCOPE, subject: "incident", before_since: SCOPE.since, findings: [], events: [] } as const;
  expect(textOf(incident)).toContain("No differences to show.\n\nNo events");
});

test("requests, servers and differences", () => {
  const request = {
    at: "2026-11-29T13:00:00Z",
    pool: "shop",
    route: "r",
    server: null,
    address: null,
    method: "GET",
    path: "/a,b",
    status: 503,
    error: "queue_full",
    duration_ms: 5,
    wait_ms: 4,
    head_ms: null,
    attempts: 0,
    in_flight: null,
    response_bytes: 3,
    request_id: "id",
    client: "192.0.2.1",
    reason: "failed",
    weight: 2,
  } as const;
  const requests = {
    ...SCOPE,
    subject: "requests",
    order: "slowest",
    found: 9,
    found_weight: 18,
    requests: [request],
  } as const;
  expect(textOf(requests)).toContain("9 kept, which stand for 18; the 1 slowest:");
  expect(csvOf(requests)[1][6]).toBe("/a,b");
  const server = {
    pool: "shop",
    server: "a:80",
    address: "10.0.0.1:80",
    state: "up",
    state_at: SCOPE.until,
    shares: { up: 0.999, ejected: 0.001 },
    known_seconds: 3600,
    changes: 2,
    ejections: 1,
    weight: 3,
    in_flight: 1.234,
    cpu_percent: 12.3,
    memory_percent: null,
    weight_override: 3,
    capacity_override: null,
    first_seen: SCOPE.since,
    removed_at: null,
  };
  const servers = textOf({ ...SCOPE, subject: "servers", servers: [server] });
  expect(servers).toContain("a:80 (10.0.0.1:80)  up   99.9 %  0 %   0.10 %");
  expect(servers).toContain("3*");
  const finding = { about: "server", pool: "shop", name: "a:80", figure: "p99_ms", before: 12, during: 340 } as const;
  const incident = {
    ...SCOPE,
    subject: "incident",
    before_since: SCOPE.since,
    findings: [finding],
    events: [],
  } as const;
  expect(textOf(incident)).toContain("server a:80  shop  p99   12 ms   340 ms");
  expect(csvOf(incident)[1]).toEqual(["server", "shop", "a:80", "p99_ms", "12", "340"]);
});

test("CSV has the columns of the JSON answer", () => {
  const row = { at: SCOPE.since, pool: "shop", server: "a:80", ...figures };
  const [heads, cells] = csvOf(traffic({ by: "hour", rows: [row] }));
  expect(heads.slice(0, 4)).toEqual(["at", "pool", "server", "requests"]);
  expect(cells.slice(0, 4)).toEqual([SCOPE.since, "shop", "a:80", "1200"]);
  expect(heads).toHaveLength(cells.length);
  expect(csvOf(traffic({ group: [] }))).toHaveLength(2);
});
