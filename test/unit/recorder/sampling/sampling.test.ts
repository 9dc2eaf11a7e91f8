import { describe, expect, test } from "bun:test";
import { RecorderWish } from "../../../../src/shared/memory/layout/history.ts";
import { Failures, RecorderWorld } from "../../../support/recorder/world.ts";

describe("single requests", () => {
  test("are rows with all that is known of them", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 2_000);
    world.request({ durationMs: 40, waitMs: 8, attempts: 2, status: 504, failure: Failures.RESPONSE_TIMEOUT });
    await world.pass(recorder, 3_000);
    const [{ atMs, ...row }] = store.place.requests;
    expect(atMs).toBeCloseTo(world.offsetMs + 2_000 - 40, 0);
    expect(row).toEqual({
      ...{ pool: "p", route: "r", server: "s1.test:80", address: "10.0.0.1", method: "GET", path: "/path" },
      ...{ status: 504, error: "response_timeout", durationMs: 40, waitMs: 8, headMs: 20, attempts: 2, inFlight: 3 },
      ...{ responseBytes: 100, requestId: "0123456789abcdef0123456789abcdef", client: "192.0.2.1" },
      ...{ reason: "failed", weight: 1 },
    });
  });

  test("that met no server say so", async () => {
    const world = new RecorderWorld();
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 2_000);
    world.request({ attempts: 0, server: 1, status: 503, failure: Failures.QUEUE_FULL });
    await world.pass(recorder, 3_000);
    expect(store.place.requests).toMatchObject([{ server: "", headMs: Number.NaN, inFlight: -1, error: "queue_full" }]);
  });

  test("add up to what there was, over bursts, failures and silence", async () => {
    for (const maxRows of [1, 10, 100]) {
      const world = new RecorderWorld(2, maxRows);
      world.maxRows = maxRows;
      const { recorder, store } = await world.recording();
      const { random } = world;
      let failing = false;
      await world.pass(recorder, 30_000, () => {
        if (random() < 0.05) failing = !failing;
        const requests = Math.floor(random() ** 4 * 1_500);
        for (let i = 0; i < requests; i++) {
          const failed = failing && random() < 0.9;
          world.request({
            worker: i & 1,
            status: failed ? 502 : 200,
            failure: failed ? Failures.BAD_RESPONSE : null,
            durationMs: 1 + random() * 20,
          });
        }
      });
      await world.pass(recorder, 5_000);
      const { rows, requests } = store.place;
      const truth = rows.reduce((sum, row) => sum + row.requests, 0);
      const failures = rows.reduce((sum, row) => sum + row.failures, 0);
      const seconds = new Map<number, number>();
      let weights = 0;
      let failed = 0;
      for (const { atMs, durationMs, weight, error } of requests) {
        const second = Math.floor((atMs + durationMs) / 1000 + 1e-6);
        seconds.set(second, (seconds.get(second) ?? 0) + 1);
        weights += weight;
        if (error !== "") failed += weight;
      }
      expect(truth).toBeGreaterThan(10_000);
      expect(world.counter("REQUESTS")).toBe(truth);
      expect(Math.abs(weights - truth) / truth).toBeLessThan(0.005);
      if (maxRows >= 10) expect(Math.abs(failed - failures) / failures).toBeLessThan(0.01);
      expect(Math.max(...seconds.values())).toBeLessThanOrEqual(maxRows);
    }
  });

  test("none are kept with a cap of 0, and workers write no details then", async () => {
    const world = new RecorderWorld();
    world.maxRows = 0;
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 5_000, () => world.request({ status: 500 }));
    expect(store.place.requests).toEqual([]);
    expect(world.memory.history[0].details.head[0]).toBe(0);
    expect(store.place.counted).toBeGreaterThan(20);
  });
});

describe("what is slow", () => {
  test("is what takes longer than was set", async () => {
    const world = new RecorderWorld();
    world.slowMs = 100;
    const { recorder, store } = await world.recording();
    await world.pass(recorder, 2_000);
    world.request({ durationMs: 100 });
    world.request({ durationMs: 101 });
    await world.pass(recorder, 3_000);
    expect(store.place.requests.map(({ durationMs, reason }) => [durationMs, reason])).toContainEqual([101, "slow"]);
    expect(store.place.requests.filter(({ reason }) => reason === "slow")).toHaveLength(1);
  });

  test("is else the slowest hundredth of late", async () => {
    const world = new RecorderWorld();
    const { recorder } = await world.recording();
    const { wishes } = world.memory.recorder;
    await world.pass(recorder, 2_000, () => world.request());
    expect(wishes[RecorderWish.SLOW_MS]).toBe(0);
    await world.pass(recorder, 10_000, () => {
      for (let i = 0; i < 100; i++) world.request({ durationMs: 1 + i });
    });
    expect(wishes[RecorderWish.SLOW_MS]).toBeGreaterThan(93);
    expect(wishes[RecorderWish.SLOW_MS]).toBeLessThan(106);
  });
});
