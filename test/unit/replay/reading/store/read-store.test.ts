import { beforeEach, describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../../src/balancing/random.ts";
import { readStore } from "../../../../../src/replay/reading/store/read-store.ts";
import { historyBucketOf } from "../../../../../src/shared/history-buckets.ts";
import { FakeHistory, SINCE, UNTIL } from "./fake-history.ts";

let history: FakeHistory;

beforeEach(() => {
  history = new FakeHistory();
});

const read = (more: object = {}) =>
  readStore(history, {
    sinceMs: SINCE,
    untilMs: UNTIL,
    pool: null,
    instance: null,
    strategy: null,
    random: seededRandom(1).next,
    ...more,
  });

/** Ten requests a second for `seconds`, alternating between two servers. */
function traffic(seconds: number, kept: (i: number) => boolean = () => true, weight = 1): void {
  for (let i = 0; i < seconds * 10; i++) {
    history.request(
      { atMs: SINCE + i * 100, server: `s${(i % 2) + 1}:80`, headMs: 20, durationMs: 25 },
      kept(i),
      weight,
    );
  }
}

test("all requests are there: columns, servers, classes, and no arrivals beside them", async () => {
  traffic(120);
  history.start("default", "p2c");
  const { recording, notes } = await read({ untilMs: SINCE + 120_000 });
  expect(recording).toMatchObject({
    source: "store, pool default",
    startMs: SINCE,
    strategy: "p2c",
    classes: ["default"],
    arrivals: null,
    absences: [],
  });
  expect(recording.durationMs).toBe(120_000);
  expect(recording.servers.map(({ name }) => name).sort()).toEqual(["s1:80", "s2:80"]);
  expect(recording.requests.atMs).toHaveLength(1200);
  expect(recording.requests.atMs[7]).toBe(700);
  expect(recording.requests.latencyMs[7]).toBe(20);
  expect(notes).toEqual([]);
});

test("a sample: exact arrivals by second, which add up to what was counted", async () => {
  traffic(120, (i) => i % 10 === 0, 10);
  const { recording } = await read();
  expect(recording.requests.atMs).toHaveLength(120);
  expect(recording.requests.weight.every((weight) => weight === 10)).toBe(true);
  const arrivals = recording.arrivals!;
  expect(arrivals).toHaveLength(120);
  expect(arrivals.reduce((a, b) => a + b)).toBeGreaterThanOrEqual(1199);
  expect([...arrivals].every((count) => Number.isInteger(count) && Math.abs(count - 10) <= 1)).toBe(true);
});

test("a sample that is very small is told", async () => {
  traffic(120, (i) => i % 100 === 0, 100);
  expect((await read()).notes.join()).toContain("Only 12 of 1200 requests were kept");
});

test("what takes long arrived seconds before it was counted", async () => {
  history.request({ atMs: SINCE, durationMs: 1 }, false);
  history.request({ atMs: SINCE, durationMs: 1, server: "s2:80" }, true);
  for (let i = 0; i < 100; i++) history.request({ atMs: SINCE + 5500, durationMs: 4000 }, false);
  const { arrivals } = (await read()).recording;
  expect(arrivals!.slice(4, 7).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(99);
  expect(arrivals!.slice(7).some((count) => count > 0)).toBe(false);
});

test("failures, the queue, no server, no response head", async () => {
  history.request({ status: 502, error: "connect_refused", headMs: Number.NaN, durationMs: 30, waitMs: 10 });
  history.request({ status: 200, error: "closed_in_response" });
  history.request({ status: 499, error: "client_closed" });
  history.request({ status: 404 });
  history.request({ server: "", status: 503, error: "overloaded", waitMs: 100, headMs: Number.NaN });
  const { requests } = (await read()).recording;
  expect([...requests.failed]).toEqual([1, 1, 0, 0, 1]);
  expect(requests.latencyMs[0]).toBe(20);
  expect([...requests.server]).toEqual([0, 0, 0, 0, -1]);
  expect(requests.waitMs[4]).toBe(100);
});

test("absences by gauges, exact by events; weights and capacities", async () => {
  traffic(120);
  for (let at = SINCE - 10_000; at < SINCE + 120_000; at += 10_000) {
    if (at >= SINCE + 100_000) continue; // the instance looks at others now
    const down = at >= SINCE + 40_000 && at < SINCE + 80_000;
    history.gauge({ atMs: at, server: "s1:80", state: down ? "down" : "up", weight: 3 });
    history.gauge({ atMs: at, server: "s2:80", state: at < SINCE + 20_000 ? "draining" : "up" });
  }
  history.event({ atMs: SINCE + 33_000, kind: "health", server: "s1:80", detail: { from: "up", to: "down" } });
  history.event({ atMs: SINCE + 100_000, kind: "server_removed", server: "s2:80", detail: { weight: 1 } });
  history.server({ host: "s2", port: 80, capacity: null, configuredCapacity: 12 });
  const { recording } = await read();
  const index = (name: string) => recording.servers.findIndex((server) => server.name === name);
  expect(recording.absences).toEqual([
    { server: index("s2:80"), fromMs: 0, toMs: 20_000 },
    { server: index("s1:80"), fromMs: 33_000, toMs: 80_000 },
    { server: index("s2:80"), fromMs: 100_000, toMs: 120_000 },
  ]);
  expect(recording.servers[index("s1:80")]).toMatchObject({ weight: 3, capacity: null });
  expect(recording.servers[index("s2:80")]).toMatchObject({ weight: 1, capacity: 12 });
});

test("routes are the classes; rare ones are other", async () => {
  for (let i = 0; i < 20; i++) {
    for (let n = 0; n <= i; n++) history.request({ route: `route-${i}`, server: `s${n % 2}:80` });
  }
  const { classes, requests } = (await read()).recording;
  expect(classes).toHaveLength(16);
  expect(classes[0]).toBe("route-19");
  expect(classes[15]).toBe("other");
  expect(requests.class.filter((kind) => kind === 15)).toHaveLength(15);
});

describe("which strategy ran", () => {
  test("changed on the way: not known, and said", async () => {
    traffic(120);
    history.start("default", "round_robin");
    history.event({
      atMs: SINCE + 50_000,
      kind: "change",
      detail: { strategy: { from: "round_robin", to: "adaptive" } },
    });
    const { recording, notes } = await read();
    expect(recording.strategy).toBeNull();
    expect(notes.join()).toContain("round_robin, then adaptive");
  });

  test("changed before or after: the one then", async () => {
    traffic(120);
    history.start("default", "round_robin");
    const change = (from: string, to: string) => ({ kind: "change", detail: { strategy: { from, to } } }) as const;
    history.event({ atMs: SINCE - 50_000, ...change("round_robin", "adaptive") });
    history.event({ atMs: SINCE + 10_000, ...change("round_robin", "p2c"), pool: "shop" });
    history.event({ atMs: SINCE + 500_000, ...change("adaptive", "ml") });
    expect((await read()).recording.strategy).toBe("adaptive");
  });

  test("changed on the way, and nothing is known of before", async () => {
    traffic(120);
    history.event({ atMs: SINCE + 50_000, kind: "change", detail: { strategy: { from: "p2c", to: "adaptive" } } });
    const { recording, notes } = await read();
    expect(recording.strategy).toBeNull();
    expect(notes.join()).toContain("p2c, then adaptive");
  });

  test("nobody says it; somebody does", async () => {
    traffic(120);
    const { recording, notes } = await read();
    expect(recording.strategy).toBeNull();
    expect(notes.join()).toContain("--ran");
    expect((await read({ strategy: "p2c" })).recording.strategy).toBe("p2c");
  });
});

describe("what is missing is said", () => {
  test("gaps, silences, a window that is wider than what is known", async () => {
    traffic(30);
    history.request({ atMs: SINCE + 200_000, durationMs: 1 });
    history.event({ atMs: SINCE + 31_000, kind: "gap", message: "17 requests are missing" });
    const notes = (await read()).notes.join("\n");
    expect(notes).toContain("17 requests are missing.");
    expect(notes).toMatch(/Nothing is known from .*:00:30 to .*:03:20 UTC/);
    expect(notes).toMatch(/known from .* to .* only/);
  });

  test("an empty store, an empty window, retention, a pool that is not there", async () => {
    await expect(read()).rejects.toThrow("HISTORY=on");
    traffic(10);
    await expect(read({ sinceMs: UNTIL, untilMs: UNTIL + 1000 })).rejects.toThrow(
      /no counts by the second from .*has them from/,
    );
    await expect(read({ pool: "shop" })).rejects.toThrow("of the pool shop");
    history.metricRows.second.length = 0;
    await expect(read({ pool: "default" })).rejects.toThrow("HISTORY_DETAIL_HOURS");
  });

  test("a window within one minute, and pools at the edges of one, are found", async () => {
    traffic(120);
    const within = { sinceMs: SINCE + 10_000, untilMs: SINCE + 40_000 };
    expect((await read(within)).recording.durationMs).toBe(30_000);
    history.request({ atMs: SINCE + 150_000, pool: "shop", server: "x:1", durationMs: 1 });
    expect((await read({ sinceMs: SINCE + 10_000, untilMs: SINCE + 140_000 })).recording.source).toContain("default");
    await expect(read({ sinceMs: SINCE + 10_000, untilMs: SINCE + 155_000 })).rejects.toThrow("shop (1); --pool");
  });

  test("several pools want a choice; counts without single requests are not enough", async () => {
    traffic(10);
    history.request({ pool: "shop", server: "x:1" });
    await expect(read()).rejects.toThrow("default (100), shop (1); --pool");
    history.requestRows.length = 0;
    await expect(read({ pool: "default" })).rejects.toThrow("REQUEST_LOG_MAX_ROWS_PER_SECOND");
  });
});

test("the fake counts as the recorder does", () => {
  history.request({ atMs: SINCE, durationMs: 2000 });
  expect(history.metricRows.second[0]).toMatchObject({ atMs: SINCE + 2000, requests: 1 });
  expect(history.metricRows.second[0].durations[historyBucketOf(2000)]).toBe(1);
});

describe("a recorder counts what ended before its first second to that one", () => {
  const late = (kept: (i: number) => boolean = () => true) => {
    for (let i = 0; i < 100; i++) {
      history.request({ atMs: SINCE + 5_000 + i * 20, server: `s${(i % 2) + 1}:80`, durationMs: 5 }, kept(i));
    }
    for (const row of history.metricRows.second) if (row.atMs === SINCE + 5_000) row.atMs = SINCE + 6_000;
  };

  test("the recording begins where single requests do, and has all of them", async () => {
    late();
    const { recording } = await read();
    expect(recording.startMs).toBe(SINCE + 5_000);
    expect(recording.durationMs).toBe(2_000);
    expect(recording.requests.atMs).toHaveLength(100);
    expect(recording.arrivals).toBeNull();
  });

  test("what had begun before, and ended in that second, is no beginning", async () => {
    history.request({ atMs: SINCE + 1_000, durationMs: 5_500 });
    history.request({ atMs: SINCE + 6_100, durationMs: 5, server: "s2:80" });
    expect((await read()).recording.startMs).toBe(SINCE + 6_000);
  });

  test("nothing from before the window that was asked for", async () => {
    late();
    const { recording } = await read({ sinceMs: SINCE + 5_500 });
    expect(recording.startMs).toBe(SINCE + 6_000);
  });
});
