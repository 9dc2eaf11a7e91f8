import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { rearranged, resampled } from "../../../../src/replay/check/rearrange.ts";
import type { FittedFleet, FittedServer } from "../../../../src/replay/fleet.ts";

const SERVER: FittedServer = {
  name: "a:1",
  weight: 1,
  workers: 4,
  discipline: "fifo",
  speed: 1,
  speeds: [
    { fromMs: 0, speed: 1 },
    { fromMs: 1000, speed: 0.5 },
    { fromMs: 2000, speed: 1 },
  ],
  failures: [{ fromMs: 0, share: 0, latenciesMs: [] }],
  absences: [{ fromMs: 3000, toMs: 3500 }],
};

const FLEET: FittedFleet = {
  durationMs: 8000,
  servers: [SERVER, { ...SERVER, name: "b:1" }],
  traffic: {
    atMs: new Float64Array(),
    class: new Int16Array(),
    work: new Float64Array(),
    delayMs: new Float32Array(),
    server: new Int16Array(),
  },
  works: [],
};

describe("a fleet that is put together anew", () => {
  const { next: random } = seededRandom(1);
  const draws = Array.from({ length: 200 }, () => rearranged(FLEET, 8000, random));

  test("has phases that rise and cover all of the time", () => {
    for (const { servers } of draws) {
      const times = servers[0].speeds.map(({ fromMs }) => fromMs);
      expect(times[0]).toBe(0);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      for (const { fromMs, toMs } of servers[0].absences) {
        expect(fromMs).toBeLessThan(toMs);
        expect(toMs).toBeLessThanOrEqual(8000);
      }
    }
  });

  test("keeps together what befalls several servers at once", () => {
    for (const { servers } of draws) expect(servers[1].speeds).toEqual(servers[0].speeds);
  });

  test("is slow for different lengths of time", () => {
    const slow = draws.map(({ servers: [{ speeds }] }) =>
      speeds.reduce((sum, { fromMs, speed }, i) => sum + (speed < 1 ? (speeds[i + 1]?.fromMs ?? 8000) - fromMs : 0), 0),
    );
    expect(Math.min(...slow)).toBe(0);
    expect(Math.max(...slow)).toBeGreaterThan(1000);
  });
});

describe("works that are put together anew", () => {
  const { next: random } = seededRandom(2);
  const works = Float64Array.from({ length: 10_000 }, (_, i) => -Math.log(1 - (i % 97) / 97));

  test("are as many, of the same", () => {
    const drawn = resampled(works, random);
    expect(drawn).toHaveLength(works.length);
    const known = new Set(works);
    expect(drawn.every((work) => known.has(work))).toBe(true);
    expect(resampled(new Float64Array(), random)).toHaveLength(0);
  });

  test("differ in their mean where works come in waves", () => {
    const waves = works.map((_, i) => (i < 5000 ? 1 : 2));
    const means = Array.from({ length: 100 }, () => resampled(waves, random).reduce((a, b) => a + b, 0) / waves.length);
    expect(Math.min(...means)).toBeLessThan(1.45);
    expect(Math.max(...means)).toBeGreaterThan(1.55);
  });
});
