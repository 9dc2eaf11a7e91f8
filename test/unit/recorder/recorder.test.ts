import { describe, expect, test } from "bun:test";
import type { Recorder } from "../../../src/recorder/recorder.ts";
import { MAX_CELLS } from "../../../src/recorder/seconds/second.ts";
import { NO_POOL, REQUEST_ROWS, RecorderWish } from "../../../src/shared/memory/layout/history.ts";
import { FIRST_ROUTE_NUMBER } from "../../../src/shared/memory/series-table.ts";
import type { ServerRow } from "../../../src/storage/history-store.ts";
import { FakeHistory } from "../../support/recorder/history-fake.ts";
import { anEvent, EPOCH_MS, Failures, NAMES, RecorderWorld, recordedServer } from "../../support/recorder/world.ts";

describe("counts by the second", () => {
  test("say of each kind of request what all of them were like", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    world.bootMs = 5_200;
    world.request({ durationMs: 10, responseBytes: 7 });
    world.request({ worker: 1, durationMs: 30, waitMs: 4, attempts: 3, responseBytes: 5 });
    world.request({ status: 502, failure: Failures.CONNECT_REFUSED, durationMs: 1 });
    world.request({ status: 404, server: 0, attempts: 0, route: 7, pool: NO_POOL, failure: Failures.NO_ROUTE });
    world.request({ status: 499, failure: Failures.CLIENT_ABORTED });
    await world.pass(recorder, 3000);
    const rows = store.place.rows.sort((a, b) => a.statusClass - b.statusClass || a.failures - b.failures);
    expect(rows.map(({ durations, ...row }) => row)).toEqual([
      {
        ...{ atMs: EPOCH_MS + 5000, pool: "p", route: "r", server: "s1.test:80", address: "10.0.0.1", statusClass: 2 },
        ...{ requests: 2, failures: 0, retries: 2, durationSumMs: 40, waitSumMs: 4, waited: 1, responseBytes: 12 },
      },
      {
        ...{ atMs: EPOCH_MS + 5000, pool: "p", route: "r", server: "s1.test:80", address: "10.0.0.1", statusClass: 4 },
        ...{ requests: 1, failures: 0, retries: 0, durationSumMs: 5, waitSumMs: 0, waited: 0, responseBytes: 100 },
      },
      {
        ...{ atMs: EPOCH_MS + 5000, pool: "", route: "no_route", server: "", address: "", statusClass: 4 },
        ...{ requests: 1, failures: 1, retries: 0, durationSumMs: 5, waitSumMs: 0, waited: 0, responseBytes: 100 },
      },
      {
        ...{ atMs: EPOCH_MS + 5000, pool: "p", route: "r", server: "s1.test:80", address: "10.0.0.1", statusClass: 5 },
        ...{ requests: 1, failures: 1, retries: 0, durationSumMs: 1, waitSumMs: 0, waited: 0, responseBytes: 100 },
      },
    ]);
    expect(rows.every(({ durations, requests }) => durations.reduce((sum, n) => sum + n, 0) === requests)).toBe(true);
    expect(rows.every(({ durations }) => durations.at(-1) !== 0)).toBe(true);
    expect(world.counter("REQUESTS")).toBe(5);
    expect(world.counter("REQUESTS_LOST")).toBe(0);
  });

  test("a second is handed over once it is well over, whole, and each in its turn", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 10_000, () => world.request());
    expect(store.place.rows.slice(1).map(({ requests }) => requests)).toEqual(Array(6).fill(10));
    await world.pass(recorder, 2_500);
    expect(store.place.counted).toBe(100);
  });

  test("nothing is added to the second in which a run begins: the one before may have written it", async () => {
    const world = new RecorderWorld();
    world.bootMs = 400;
    const { recorder, store } = await world.recording();
    world.request();
    await world.pass(recorder, 5000);
    expect(store.place.rows.map(({ atMs }) => atMs)).toEqual([EPOCH_MS + 1000]);
  });

  test("what a worker says late counts to the next open second", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 9_000);
    const nowMs = world.bootMs;
    world.bootMs = 2_000; // the worker was stopped when it had read its clock
    world.request();
    world.bootMs = nowMs;
    await world.pass(recorder, 3_000);
    expect(store.place.rows.map(({ atMs }) => atMs)).toEqual([EPOCH_MS + 7000]);
  });

  test("numbers that no request can have are lost, and counted", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 2_000);
    world.request({ durationMs: Number.NaN });
    world.request({ status: 7 });
    world.request();
    await world.pass(recorder, 3_000);
    expect(store.place.counted).toBe(1);
    expect(world.counter("REQUESTS")).toBe(1);
    expect(world.counter("REQUESTS_LOST")).toBe(2);
  });

  test("what was overwritten unread is counted, and one event says how many", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    for (let i = 0; i < REQUEST_ROWS + 1000; i++) world.request();
    await world.pass(recorder, 10_000);
    await recorder.finish();
    const lost = world.counter("REQUESTS_LOST");
    expect(lost).toBeGreaterThan(999);
    expect(store.place.counted + lost).toBe(REQUEST_ROWS + 1000);
    expect(store.place.events).toMatchObject([{ kind: "gap", detail: { requests: lost } }]);
  });

  test("kinds beyond what is told apart count as other", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    world.bootMs = 2000;
    for (let i = 0; i < MAX_CELLS + 50; i++) world.request({ route: FIRST_ROUTE_NUMBER + (i % 8000) });
    await world.pass(recorder, 9_000);
    expect(store.place.counted).toBe(MAX_CELLS + 50);
    expect(store.place.rows.filter(({ route }) => route === "other")).toMatchObject([
      { pool: "p", server: "other", statusClass: 2, requests: 50 },
    ]);
    expect(world.lines.filter(({ message }) => message.includes("counted as other"))).toHaveLength(1);
  });
});

describe("names", () => {
  test("a second waits a while for those that were not told yet", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    world.bootMs = 2000;
    world.request({ server: 9 });
    await world.pass(recorder, 4_000);
    expect(store.place.rows).toEqual([]);
    recorder.setNames({ ...NAMES, servers: [recordedServer(9, { hostname: "::1", address: "::1", pool: "q" })] });
    await world.pass(recorder, 200);
    expect(store.place.rows).toMatchObject([{ pool: "q", server: "[::1]:80", address: "" }]);
  });

  test("what nobody names is counted all the same", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    world.bootMs = 2000;
    world.request({ server: 9, pool: 77 });
    await world.pass(recorder, 9_000);
    expect(store.place.rows).toMatchObject([{ pool: "unknown", server: "unknown", requests: 1 }]);
  });

  test("a server that has gone keeps its name", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    recorder.setNames({ ...NAMES, servers: [] });
    world.bootMs = 2000;
    world.request();
    await world.pass(recorder, 3_000);
    expect(store.place.rows).toMatchObject([{ server: "s1.test:80" }]);
  });
});

describe("each request is in the store once", () => {
  test("when the recorder is killed, whatever it had handed over", async () => {
    for (const writes of [false, true]) {
      const world = new RecorderWorld();
      const first = await world.recording();
      await world.pass(first.recorder, 5_000, () => world.request());
      // From here on the store takes rows, and the recorder never hears that they are written.
      first.store.hangs = true;
      await world.pass(first.recorder, 3_000, () => world.request({ worker: 1 }));
      if (writes) first.store.write();
      const second = await world.recording(new FakeHistory(first.store.place));
      await world.pass(second.recorder, 4_000);
      expect(world.counter("REQUESTS")).toBe(80);
      expect(second.store.place.counted).toBe(80);
      expect(second.store.place.requests.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(80, 6);
    }
  });

  test("when the store fails for a while, and the recorder dies meanwhile", async () => {
    const world = new RecorderWorld();
    const first = await world.recording();
    await world.pass(first.recorder, 3_000, () => world.request());
    first.store.fails = true;
    await world.pass(first.recorder, 20_000, () => world.request());
    expect(world.counter("STORE_DEGRADED")).toBe(1);
    const second = await world.recording(new FakeHistory(first.store.place));
    await world.pass(second.recorder, 4_000, () => world.request());
    await world.pass(second.recorder, 4_000);
    expect(second.store.place.counted).toBe(270);
    expect(world.counter("REQUESTS")).toBe(270);
    expect(world.counter("STORE_DEGRADED")).toBe(0);
  });

  test("when the store works again", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    store.fails = true;
    await world.pass(recorder, 20_000, () => world.request());
    expect(store.place.counted).toBe(0);
    store.fails = false;
    await world.pass(recorder, 5_000);
    expect(store.place.counted).toBe(200);
    expect(world.memory.recorder.progress.some(({ requests }) => requests[0] === 200)).toBe(true);
  });

  test("when it is ended and another one begins at once", async () => {
    const world = new RecorderWorld();
    let place = new FakeHistory().place;
    for (let i = 0; i < 5; i++) {
      const { recorder, store } = await world.recording(new FakeHistory(place));
      place = store.place;
      await world.pass(recorder, 700, () => world.request());
      world.request();
      await recorder.finish();
    }
    expect(place.counted).toBe(40);
  });

  test("when the store comes late", async () => {
    const world = new RecorderWorld();
    const recorder = world.recorder();
    recorder.takeEvents([anEvent("early")], 1);
    await world.pass(recorder, 10_000, () => world.request());
    const store = new FakeHistory();
    await recorder.open(store);
    await world.pass(recorder, 3_000);
    expect(store.place.counted).toBe(100);
    expect(store.place.events.map(({ message }) => message)).toEqual(["early"]);
    expect(world.kept).toEqual([1]);
    store.fails = true;
    recorder.takeEvents([anEvent("late"), anEvent("later")], 3);
    await world.pass(recorder, 3_000);
    expect(world.kept).toEqual([1]);
    store.fails = false;
    await world.pass(recorder, 3_000);
    expect(world.kept).toEqual([1, 3]);
    expect(store.place.events).toHaveLength(3);
  });
});

describe("two runs of one name at the same time, as while one is replaced by the other", () => {
  const both = async (begin: (next: RecorderWorld, store: FakeHistory) => Promise<Recorder>) => {
    const old = new RecorderWorld();
    const { recorder, store } = await old.recording();
    await old.pass(recorder, 2_000, () => old.request());
    const world = new RecorderWorld();
    world.bootMs = old.bootMs;
    const ours = new FakeHistory(store.place);
    const next = await begin(world, ours);
    for (let i = 0; i < 60; i++) {
      await old.pass(recorder, 100, () => old.request());
      await world.pass(next, 100, () => world.request());
    }
    await recorder.finish();
    return { world, next, ours, place: store.place };
  };

  test("its seconds are told apart from those that the other wrote before the store was free", async () => {
    const { world, next, ours, place } = await both(async (world) => world.recorder());
    await next.open(ours);
    await world.pass(next, 5_000, () => world.request());
    await next.finish();
    expect(place.counted).toBe(20 + 60 + 60 + 50);
  });

  test("so are those of one whose store could not be asked", async () => {
    const { next, ours, place } = await both(async (world, store) => {
      const recorder = world.recorder();
      store.fails = true;
      await recorder.open(store);
      return recorder;
    });
    ours.fails = false;
    await next.finish();
    expect(place.counted).toBe(20 + 60 + 60);
  });
});

describe("the wall clock", () => {
  test("set back by an hour: seconds that come a second time are told apart, and nothing is lost", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 5_000, () => world.request());
    world.offsetMs -= 8_000;
    await world.pass(recorder, 5_000, () => world.request());
    world.offsetMs -= 3_600_000;
    await world.pass(recorder, 5_000, () => world.request());
    await world.pass(recorder, 3_000);
    expect(store.place.counted).toBe(150);
    expect(store.place.rows[0].atMs).toBeLessThan(EPOCH_MS - 3_580_000);
    const marks = new Set(store.place.rows.map(({ atMs }) => atMs % 1000));
    expect([...marks].sort()).toEqual([0, 1, 2]);
  });

  test("set back by less than what is open, or forward by a day", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 5_000, () => world.request());
    world.offsetMs -= 1_500;
    await world.pass(recorder, 5_000, () => world.request());
    world.offsetMs += 86_400_000;
    await world.pass(recorder, 5_000, () => world.request());
    await world.pass(recorder, 3_000);
    expect(store.place.counted).toBe(150);
    expect(store.place.rows.every(({ atMs }) => atMs % 1000 === 0)).toBe(true);
  });

  test("set back between two runs", async () => {
    const before = new RecorderWorld();
    const { recorder, store } = await before.recording();
    await before.pass(recorder, 5_000, () => before.request());
    await recorder.finish();
    const world = new RecorderWorld();
    world.offsetMs -= 60_000;
    world.bootMs = 58_000;
    const next = await world.recording(new FakeHistory(store.place));
    await world.pass(next.recorder, 9_000, () => world.request());
    await next.recorder.finish();
    expect(store.place.counted).toBe(140);
  });
});

describe("beside the counts", () => {
  test("servers are told to the store when they change, and what is set there to the supervisor when that does", async () => {
    const world = new RecorderWorld();
    const store = new FakeHistory();
    const row: ServerRow = {
      ...{ pool: "p", host: "s1.test", port: 80, weight: null, capacity: null, configuredWeight: 1 },
      ...{ configuredCapacity: 10, firstSeenMs: 0, lastSeenMs: 0, removedAtMs: null },
    };
    store.place.servers = [row];
    const { recorder } = await world.recording(store);
    await world.pass(recorder, 40_000);
    expect(store.known).toEqual([[{ pool: "p", host: "s1.test", port: 80, weight: 1, capacity: 10 }]]);
    expect(world.told).toEqual([{ rows: [row], undone: [] }]);
    store.place.servers = [{ ...row, weight: 5 }];
    await world.pass(recorder, 31_000);
    expect(world.told[1]).toEqual({ rows: [{ ...row, weight: 5 }], undone: [] });
    store.place.undone = [{ ...row, weight: 5 }];
    const two = [recordedServer(1, { weight: 2 }), recordedServer(2, { hostname: "s1.test", weight: 2 })];
    recorder.setNames({ ...NAMES, servers: two });
    await world.pass(recorder, 2_000);
    expect(store.known[1]).toEqual([{ pool: "p", host: "s1.test", port: 80, weight: 2, capacity: 10 }]);
    expect(world.told[2]).toEqual({ rows: [{ ...row, weight: 5 }], undone: [{ ...row, weight: 5 }] });
  });

  test("gauges say what servers are like", async () => {
    const world = new RecorderWorld();
    const { servers } = world.memory;
    servers.id[1] = 1;
    servers.state[1] = 4;
    servers.weight[1] = 2;
    servers.effectiveWeight[1] = 1.5;
    servers.inFlight[1] = 6;
    servers.cpuUsagePercent[1] = 50;
    servers.memoryUsagePercent[1] = Number.NaN;
    world.names = { ...NAMES, servers: [recordedServer(1), recordedServer(2)] };
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 10_500);
    await recorder.finish();
    expect(store.place.gauges).toHaveLength(2);
    expect(store.place.gauges[0]).toMatchObject({
      ...{ pool: "p", server: "s1.test:80", state: "ejected", weight: 2, effectiveWeight: 1.5, inFlight: 6 },
      ...{ cpuPercent: 50, memoryPercent: Number.NaN },
    });
  });

  test("who ends asks for no more details", async () => {
    const world = new RecorderWorld();
    const { recorder } = await world.recording();
    expect(world.memory.recorder.wishes[RecorderWish.SAMPLE_SHARE]).toBe(1);
    await recorder.finish();
    expect(world.memory.recorder.wishes[RecorderWish.SAMPLE_SHARE]).toBe(0);
  });
});
