import { describe, expect, test } from "bun:test";
import { answer } from "../../../src/history/answer.ts";
import type { ServersAnswer } from "../../../src/history/availability.ts";
import type { EventsAnswer } from "../../../src/history/events.ts";
import type { IncidentAnswer } from "../../../src/history/incident.ts";
import { readQuestion } from "../../../src/history/questions.ts";
import type { RequestsAnswer } from "../../../src/history/requests.ts";
import type { EventRow, GaugeRow, RequestRow } from "../../../src/storage/history-store.ts";
import { FakeReader, type Past, second } from "./fake-reader.ts";

const NOW = Date.UTC(2026, 10, 29, 14);
const MINUTE = 60_000;

async function ask<T>(
  past: Past,
  subject: Parameters<typeof readQuestion>[0],
  parameters: Record<string, string> = {},
) {
  return (await answer(new FakeReader(past), readQuestion(subject, parameters, NOW), NOW)) as T;
}

function event(minutesAgo: number, rest: Partial<EventRow> = {}): EventRow {
  return {
    atMs: NOW - minutesAgo * MINUTE,
    kind: "ejection",
    pool: "shop",
    server: "a:80",
    address: "",
    actor: "balancer",
    message: "a:80 was ejected",
    detail: { forMs: 30_000 },
    ...rest,
  };
}

function request(minutesAgo: number, durationMs: number, rest: Partial<RequestRow> = {}): RequestRow {
  return {
    atMs: NOW - minutesAgo * MINUTE,
    pool: "shop",
    route: "default",
    server: "a:80",
    address: "",
    method: "GET",
    path: "/x",
    status: 200,
    error: "",
    durationMs,
    waitMs: 0,
    headMs: durationMs / 2,
    attempts: 1,
    inFlight: 3,
    responseBytes: 10,
    requestId: `id-${minutesAgo}`,
    client: "192.0.2.1",
    reason: "sample",
    weight: 10,
    ...rest,
  };
}

function gauge(secondsAgo: number, state: string, rest: Partial<GaugeRow> = {}): GaugeRow {
  return {
    atMs: NOW - secondsAgo * 1000,
    pool: "shop",
    server: "a:80",
    address: "",
    state,
    weight: 1,
    effectiveWeight: 1,
    inFlight: 2,
    cpuPercent: Number.NaN,
    memoryPercent: 40,
    ...rest,
  };
}

describe("events", () => {
  test("they are told as they happened, the last ones if there are too many", async () => {
    const events = [event(1), event(3, { kind: "reload", pool: "", server: "", detail: undefined }), event(2)];
    const all = await ask<EventsAnswer>({ events }, "events");
    expect(all.events.map(({ at }) => at)).toEqual([
      "2026-11-29T13:57:00Z",
      "2026-11-29T13:58:00Z",
      "2026-11-29T13:59:00Z",
    ]);
    expect(all.events[0]).toMatchObject({ kind: "reload", pool: null, server: null, detail: null });
    const last = await ask<EventsAnswer>({ events }, "events", { limit: "2" });
    expect(last.events).toHaveLength(2);
    expect(last.notes).toEqual(["there are more: these are the last 2, since 2026-11-29T13:58:00Z (limit)"]);
  });

  test("who asks for a server is told what happened to all", async () => {
    const events = [event(1), event(2, { server: "b:80" }), event(3, { kind: "reload", pool: "", server: "" })];
    const answered = await ask<EventsAnswer>({ events }, "events", { server: "a:80" });
    expect(answered.events.map(({ kind, server }) => [kind, server])).toEqual([
      ["reload", null],
      ["ejection", "a:80"],
    ]);
    const reloads = await ask<EventsAnswer>({ events }, "events", { kind: "stop" });
    expect(reloads.notes).toEqual(["nothing of the kind stop was recorded in that time"]);
  });
});

describe("requests", () => {
  const requests = Array.from({ length: 500 }, (_, i) => request(50 - i / 10, (i * 7919) % 500));

  test("the newest, the oldest, the slowest", async () => {
    const slowest = await ask<RequestsAnswer>({ requests }, "requests", { order: "slowest", limit: "3" });
    expect(slowest.requests.map(({ duration_ms }) => duration_ms)).toEqual([499, 498, 497]);
    expect(slowest).toMatchObject({ found: 500, found_weight: 5_000 });
    const newest = await ask<RequestsAnswer>({ requests }, "requests", { limit: "1" });
    expect(newest.requests[0].request_id).toBe("id-0.10000000000000142");
    const oldest = await ask<RequestsAnswer>({ requests }, "requests", { limit: "1", order: "oldest" });
    expect(oldest.requests[0].request_id).toBe("id-50");
  });

  test("by id, status and reason", async () => {
    const failed = request(4, 9, {
      status: 503,
      reason: "failed",
      error: "queue_full",
      server: "",
      requestId: "mine",
      headMs: Number.NaN,
    });
    const past = { requests: [...requests, failed] };
    for (const parameters of [{ id: "mine" }, { status: "503" }, { status: "5xx" }, { reason: "failed" }]) {
      const found = await ask<RequestsAnswer>(past, "requests", parameters as unknown as Record<string, string>);
      expect(found.requests).toHaveLength(1);
      expect(found.requests[0]).toMatchObject({ error: "queue_full", server: null, head_ms: null, in_flight: 3 });
    }
    const none = await ask<RequestsAnswer>(past, "requests", { id: "nobody" });
    expect(none.notes.join()).toContain('no request "nobody" was kept of that time');
  });
});

describe("servers", () => {
  test("how long each was in which state", async () => {
    const gauges = [gauge(100, "up"), gauge(90, "up"), gauge(80, "ejected"), gauge(70, "up"), gauge(60, "up")];
    const servers = [
      {
        pool: "shop",
        host: "a",
        port: 80,
        weight: 3,
        capacity: null,
        configuredWeight: 1,
        configuredCapacity: 10,
        firstSeenMs: NOW - 1_000_000,
        lastSeenMs: NOW,
        removedAtMs: null,
      },
    ];
    const answered = await ask<ServersAnswer>({ gauges, servers }, "servers");
    expect(answered.servers).toEqual([
      expect.objectContaining({
        server: "a:80",
        state: "up",
        shares: { up: 0.75, ejected: 0.25 },
        known_seconds: 40,
        changes: 2,
        cpu_percent: null,
        memory_percent: 40,
        weight_override: 3,
        removed_at: null,
      }),
    ]);
  });

  test("events say when it changed, and how often between two readings", async () => {
    const gauges = [gauge(100, "up"), gauge(90, "up"), gauge(80, "up")];
    const change = (secondsAgo: number, to: string) => event(secondsAgo / 60, { kind: "health", detail: { to } });
    const events = [
      change(98, "down"),
      change(93, "up"),
      event(85 / 60, { detail: { to: "ejected" } }),
      change(83, "up"),
      event(70 / 60, { detail: { to: "ejected" } }),
      event(69 / 60, { server: "b:80", detail: { to: "ejected" } }),
      change(60, "nonsense"),
    ];
    const { servers } = await ask<ServersAnswer>({ gauges, events }, "servers");
    expect(servers).toHaveLength(1);
    expect(servers[0]).toMatchObject({ state: "ejected", changes: 5, ejections: 2, known_seconds: 30 });
    expect(servers[0].shares.down).toBeCloseTo(5 / 30, 5);
    expect(servers[0].shares.ejected).toBeCloseTo(2 / 30, 5);
  });

  test("of several instances it is said that their states are mixed", async () => {
    const of = (instance: string) => ({ ...event(1, { kind: "health", detail: { to: "up" } }), instance });
    const past = { gauges: [gauge(100, "up"), gauge(90, "up")] };
    const notes = async (...events: EventRow[]) => (await ask<ServersAnswer>({ ...past, events }, "servers")).notes;
    expect(await notes(of("edge-2"), of("edge-2"))).toEqual([]);
    expect(await notes(of("edge-2"), of("edge-1"))).toEqual([
      "states are of edge-1, edge-2 together: instance asks for one",
    ]);
  });

  test("what was not noted is not known", async () => {
    const gauges = [gauge(1_000, "up"), gauge(990, "down"), gauge(60, "down"), gauge(50, "down")];
    const { servers } = await ask<ServersAnswer>({ gauges }, "servers");
    expect(servers[0]).toMatchObject({ shares: { up: 0.5, down: 0.5 }, known_seconds: 20, weight_override: null });
    expect((await ask<ServersAnswer>({}, "servers")).notes).toHaveLength(1);
  });
});

describe("an incident", () => {
  test("shows what was different from the hour before, and what happened", async () => {
    const seconds = Array.from({ length: 3600 }, (_, i) => i + 1).flatMap((i) => {
      const atMs = NOW - i * 1_000;
      const bad = i <= 600;
      return [
        second(atMs, [bad ? 500 : 10, 10], { pool: "shop", server: "a:80" }),
        second(atMs, [10, 11], { pool: "shop", server: "b:80", statusClass: bad ? 5 : 2 }),
      ];
    });
    const past = { seconds, events: [event(12), event(5), event(40)] };
    const answered = await ask<IncidentAnswer>(past, "incident", { since: "10m" });
    const found = answered.findings.map(({ about, name, figure }) => `${about} ${name} ${figure}`);
    expect(found).toContain("server b:80 error_share");
    expect(found).toContain("server a:80 p99_ms");
    expect(found).not.toContain("server a:80 error_share");
    expect(found).not.toContain("server b:80 p99_ms");
    expect(answered.findings[0]).toMatchObject({ figure: "error_share", before: 0, during: 1 });
    expect(answered.events).toHaveLength(2);
    const few = Array.from({ length: 1_800 }, (_, i) =>
      second(NOW - (i + 1) * 2_000, [10], { statusClass: i % 50 === 0 || (i < 300 && i % 30 === 0) ? 5 : 2 }),
    );
    const chance = await ask<IncidentAnswer>({ seconds: few }, "incident", { since: "10m" });
    expect(chance.findings).toEqual([]);
    const calm = await ask<IncidentAnswer>(past, "incident", { since: "30m", until: "15m" });
    expect(calm.notes).toEqual(["nothing that is compared was much different from the hour before"]);
    expect((await ask<IncidentAnswer>({}, "incident")).notes.join()).toContain("fewer than 20 requests");
  });

  test("shows a server that got nothing any more", async () => {
    const seconds = Array.from({ length: 3600 }, (_, i) => i + 1).flatMap((i) => [
      second(NOW - i * 1_000, [10], { pool: "shop", server: "a:80" }),
      ...(i <= 600 ? [] : [second(NOW - i * 1_000, [10], { pool: "shop", server: "b:80" })]),
    ]);
    const { findings } = await ask<IncidentAnswer>({ seconds }, "incident", { since: "10m" });
    expect(findings[0]).toEqual({
      about: "server",
      pool: "shop",
      name: "b:80",
      figure: "share",
      before: 0.5,
      during: 0,
    });
  });
});
