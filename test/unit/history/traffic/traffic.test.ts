import { describe, expect, test } from "bun:test";
import { type Group, QuestionError, type TrafficQuestion } from "../../../../src/history/questions.ts";
import type { Step } from "../../../../src/history/steps.ts";
import { askTraffic, MAX_TRAFFIC_ROWS, type TrafficRow } from "../../../../src/history/traffic/traffic.ts";
import { isoMoment } from "../../../../src/shared/moments.ts";
import type { MetricRow } from "../../../../src/storage/history-store.ts";
import { FakeReader, second } from "../fake-reader.ts";

const HOUR = 3_600_000;
const start = Date.UTC(2026, 10, 29, 6);
const NOW = start + 12 * HOUR;

function question(sinceMs: number, untilMs: number, rest: Partial<TrafficQuestion> = {}): TrafficQuestion {
  return { subject: "traffic", sinceMs, untilMs, by: null, groups: ["server"], ...rest };
}

/** Every request with its duration: the truth. */
interface Truth {
  readonly row: MetricRow;
  readonly durationsMs: readonly number[];
}

function randomPast(seed: number): Truth[] {
  let state = seed;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const past: Truth[] = [];
  for (let i = 0; i < 3_000; i++) {
    const durationsMs = Array.from({ length: 1 + Math.floor(random() * 5) }, () => 0.2 * 10 ** (random() * 4));
    const statusClass = random() < 0.8 ? 2 : random() < 0.5 ? 4 : 5;
    const row = second(start + Math.floor(random() * 5 * 3_600) * 1_000, durationsMs, {
      pool: random() < 0.5 ? "shop" : "api",
      server: random() < 0.1 ? "" : `10.0.0.${1 + Math.floor(random() * 3)}:80`,
      route: random() < 0.5 ? "one" : "two",
      statusClass,
      failures: random() < 0.1 ? 1 : 0,
      retries: Math.floor(random() * 3),
      waited: 1,
      waitSumMs: random() * 10,
    });
    past.push({ row, durationsMs });
  }
  return past;
}

function quantile(durationsMs: readonly number[], q: number): number {
  const sorted = [...durationsMs].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

function expectTruth(row: Omit<TrafficRow, "at">, truth: readonly Truth[]): void {
  const sum = (of: (row: MetricRow) => number) => truth.reduce((total, one) => total + of(one.row), 0);
  expect(row.requests).toBe(sum(({ requests }) => requests));
  expect(row.errors).toBe(sum((one) => (one.statusClass === 5 ? one.requests : one.failures)));
  expect(row.client_errors).toBe(sum((one) => (one.statusClass === 4 ? one.requests - one.failures : 0)));
  expect(row.retries).toBe(sum(({ retries }) => retries));
  expect(row.waited).toBe(sum(({ waited }) => waited));
  expect(row.response_bytes).toBe(sum(({ responseBytes }) => responseBytes));
  const durationsMs = truth.flatMap((one) => one.durationsMs);
  if (durationsMs.length < 200) return;
  for (const [q, value] of [
    [0.5, row.p50_ms],
    [0.95, row.p95_ms],
  ] as const) {
    // The rank itself may lie between two that are far apart, hence the neighbours.
    expect(value as number).toBeGreaterThan(quantile(durationsMs, q - 0.005) * 0.93);
    expect(value as number).toBeLessThan(quantile(durationsMs, q + 0.005) * 1.07);
  }
}

describe("traffic", () => {
  const past = randomPast(3);
  const reader = new FakeReader({ seconds: past.map(({ row }) => row) });

  test.each([
    [null, ["server"]],
    [null, ["route", "status"]],
    [null, ["pool"]],
    ["minute", []],
    ["hour", ["server"]],
    ["day", ["route"]],
  ] as readonly (readonly [Step | null, readonly Group[]])[])(
    "by %p and %p, it is what was counted one by one, over any span of time",
    async (by, groups) => {
      for (const [from, to] of [
        [0, 5 * HOUR],
        [1_000, 4.2 * HOUR + 17_000],
        [2.5 * HOUR, 2.5 * HOUR + 90_000],
        [1.9 * HOUR, 2.1 * HOUR],
      ]) {
        const answer = await askTraffic(reader, question(start + from, start + to, { by, groups }), NOW);
        expect(answer.notes).toEqual([]);
        const within = past.filter(({ row: { atMs } }) => atMs >= start + from && atMs < start + to);
        expectTruth(answer.total, within);
        const step = { minute: 60_000, hour: HOUR, day: 24 * HOUR, none: 1 }[by ?? "none"];
        for (const row of answer.rows) {
          const mine = within.filter(
            ({ row: one }) =>
              (row.at === undefined || isoMoment(Math.floor(one.atMs / step) * step) === row.at) &&
              (row.pool === undefined || row.pool === one.pool) &&
              (row.server === undefined || (row.server ?? "") === one.server) &&
              (row.route === undefined || row.route === one.route) &&
              (row.status === undefined || row.status === `${one.statusClass}xx`),
          );
          expectTruth(row, mine);
        }
        const sum = answer.rows.reduce((total, { requests }) => total + requests, 0);
        expect(sum).toBe(answer.total.requests);
      }
    },
  );

  test("filters are exact names", async () => {
    const asked = { pool: "shop", server: "10.0.0.2:80", route: "two" };
    const answer = await askTraffic(reader, question(start, NOW, asked), NOW);
    expectTruth(
      answer.total,
      past.filter(({ row }) => row.pool === "shop" && row.server === "10.0.0.2:80" && row.route === "two"),
    );
    expect(answer).toMatchObject(asked);
  });

  test("shares are of the traffic of the same step", async () => {
    const rows = [second(start, [1, 1, 1]), second(start, [1], { server: "b:80" }), second(start + HOUR, [1])];
    const asked = question(start, start + 2 * HOUR, { by: "hour", groups: ["server"] });
    const answer = await askTraffic(new FakeReader({ seconds: rows }), asked, NOW);
    expect(answer.rows.map(({ at, server, share }) => [at, server, share])).toEqual([
      ["2026-11-29T06:00:00Z", "10.0.0.1:80", 0.75],
      ["2026-11-29T06:00:00Z", "b:80", 0.25],
      ["2026-11-29T07:00:00Z", "10.0.0.1:80", 1],
    ]);
  });

  test("by time alone, steps without requests are there too", async () => {
    const rows = [second(start, [1]), second(start + 180_000, [1])];
    const asked = question(start, start + 240_000, { by: "minute", groups: [] });
    const answer = await askTraffic(new FakeReader({ seconds: rows }), asked, NOW);
    expect(answer.rows.map(({ requests, p99_ms }) => [requests, p99_ms === null])).toEqual([
      [1, false],
      [0, true],
      [0, true],
      [1, false],
    ]);
  });

  test("rates are of the time in which requests were counted", async () => {
    const rows = Array.from({ length: 600 }, (_, i) => second(start + i * 1_000, [1, 1]));
    const now = start + 601_500;
    const recorded = new FakeReader({ seconds: rows });
    const day = await askTraffic(recorded, question(now - 24 * HOUR, now), now);
    expect(day.total.requests_per_second).toBe(2);
    const minute = await askTraffic(recorded, question(now - 60_000, now, { by: "minute" }), now);
    for (const row of minute.rows) expect(row.requests_per_second).toBe(2);
  });

  test("counting begins with the first second of a store, not with its hour", async () => {
    const began = start + 47 * 60_000;
    const rows = Array.from({ length: 180 }, (_, i) => second(began + i * 1_000, [1, 1, 1]));
    const young = new FakeReader({ seconds: rows });
    const now = began + 181_500;
    const answer = await askTraffic(young, question(now - HOUR, now), now);
    expect(answer.total.requests_per_second).toBe(3);
    expect(answer.notes.join()).toContain("counts begin at 2026-11-29T06:47:00Z");
    const cut = new FakeReader({ seconds: rows, keptSinceMs: { second: began + 90_000 } });
    expect((await askTraffic(cut, question(now - HOUR, now), now)).notes.join()).toContain(
      "begin at 2026-11-29T06:47:00Z",
    );
  });

  test("a day of hours reads hours, and little else", async () => {
    const asked = new FakeReader({ seconds: past.map(({ row }) => row) });
    await askTraffic(asked, question(start - 20 * HOUR, start + 4 * HOUR), NOW);
    expect(asked.asked).toEqual(["hour"]);
  });

  test("it says what is not kept any more", async () => {
    const seconds = past.map(({ row }) => row);
    const keptSinceMs = { second: start + 3 * HOUR, minute: start + 3 * HOUR, hour: start + HOUR };
    const old = new FakeReader({ seconds, keptSinceMs });
    const moved = await askTraffic(old, question(start + 1.5 * HOUR, start + 4 * HOUR), NOW);
    expect(moved.since).toBe("2026-11-29T07:00:00Z");
    expect(moved.notes.join()).toContain("since was moved from 2026-11-29T07:30:00Z to 2026-11-29T07:00:00Z");
    expectTruth(
      moved.total,
      past.filter(({ row: { atMs } }) => atMs >= start + HOUR && atMs < start + 4 * HOUR),
    );
    const gone = await askTraffic(old, question(start, start + 4 * HOUR), NOW);
    expect(gone.notes.join()).toContain("counts begin at 2026-11-29T07:00:00Z");
    const minutes = await askTraffic(old, question(start + HOUR, start + 4 * HOUR, { by: "minute" }), NOW);
    expect(minutes.notes.join()).toContain("counts by the minute are kept since 2026-11-29T09:00:00Z");
  });

  test("it says what could not be counted", async () => {
    const gap = { kind: "gap", pool: "", server: "", address: "", actor: "balancer", message: "" } as const;
    const events = [
      { ...gap, atMs: start + 5_000, detail: { requests: 7 } },
      { ...gap, atMs: start + 6_000, detail: { requests: 5 } },
      { ...gap, atMs: start + 2 * HOUR, detail: { requests: 100 } },
    ];
    const lossy = new FakeReader({ seconds: [second(start, [1])], events });
    const answer = await askTraffic(lossy, question(start, start + HOUR), NOW);
    expect(answer.notes.join()).toStartWith("12 requests are missing from the counts");
  });

  test("it says why there is nothing", async () => {
    const nothing = await askTraffic(new FakeReader({}), question(start, NOW), NOW);
    expect(nothing.notes.join()).toContain("no request was recorded yet");
    expect(nothing.total).toMatchObject({ requests: 0, requests_per_second: 0, share: null, p99_ms: null });
    const later = await askTraffic(reader, question(NOW - HOUR, NOW), NOW);
    expect(later.notes.join()).toContain("the last one that was counted ended at 2026-11-29T10:59:");
    const unknown = await askTraffic(reader, question(start, NOW, { pool: "nosuch" }), NOW);
    expect(unknown.notes).toEqual(['no pool "nosuch" had a request in that time; these had: api, shop']);
  });

  test("an answer has a bound", async () => {
    const seconds = Array.from({ length: MAX_TRAFFIC_ROWS + 1 }, (_, i) => second(start, [1], { route: `r${i}` }));
    const asked = askTraffic(new FakeReader({ seconds }), question(start, NOW, { groups: ["route"] }), NOW);
    await expect(asked).rejects.toBeInstanceOf(QuestionError);
    const minutes = question(start - 30 * 24 * HOUR, NOW, { by: "minute", groups: [] });
    await expect(
      askTraffic(new FakeReader({ seconds: [second(start - 29 * 24 * HOUR, [1])] }), minutes, NOW),
    ).rejects.toThrow("20000 rows");
  });
});
