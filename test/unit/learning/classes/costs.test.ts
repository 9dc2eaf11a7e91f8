import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { ClassCosts } from "../../../../src/learning/classes/costs.ts";
import { CLASSES } from "../../../../src/shared/memory/layout/classes.ts";

const SLOTS = 4;
const ALL = Int32Array.from({ length: SLOTS }, (_, slot) => slot);

/** Shares by class, for classes 1 … */
const shares = (...given: number[]) => Float64Array.from({ length: CLASSES }, (_, c) => given[c - 1] ?? 0);

/** Servers that are as fast as they are, and serve four at once: a request takes its work, and waits for those before it. */
class Traffic {
  readonly costs = new ClassCosts(SLOTS);
  readonly #random: () => number;
  nowMs = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed).next;
  }

  /**
   * @param work by class from 1: mean work of a request, in units whose mean over requests is 1.
   * @param slowness of a class at a server.
   */
  run(
    requests: number,
    share: readonly number[],
    work: readonly number[],
    { speed = [1, 1, 1, 1], slowness = (_c: number, _slot: number): number => 1, spread = 1 } = {},
  ): void {
    const row = new Float32Array(CLASSES);
    for (let i = 0; i < requests; i++) {
      if (i % 200 === 0) this.costs.tick(ALL, shares(...share), this.nowMs);
      this.nowMs += 2;
      let drawn = this.#random();
      let c = 1;
      while (c < share.length && drawn >= share[c - 1]) drawn -= share[c++ - 1];
      const slot = (this.#random() * SLOTS) | 0;
      const inFlight = (this.#random() * 9) | 0;
      this.costs.fill(slot, row, 0);
      const wait = Math.max(0, (inFlight + 1) / 4 - 1);
      const own = work[c - 1] * slowness(c, slot) * Math.exp(spread * this.#normal() - (spread * spread) / 2);
      const latencyMs = (20 * (own + wait)) / speed[slot];
      const sample = { slot, requestClass: c, inFlight, ownWork: row[c], othersWork: 1, atMs: this.nowMs };
      this.costs.observe({ ...sample, latencyMs });
    }
    this.costs.tick(ALL, shares(...share), this.nowMs);
  }

  #normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }
}

describe("what a request of a class costs", () => {
  test("is found whatever speed servers have, and however busy they are", () => {
    const traffic = new Traffic(1);
    const work = [0.3, 1, 8].map((each) => each / 0.86);
    traffic.run(30_000, [0.7, 0.25, 0.05], work, { speed: [2, 1, 1, 0.5], spread: 0.5 });
    const found = [1, 2, 3].map((c) => traffic.costs.cost(c));
    for (const [i, each] of work.entries()) expect(found[i] / each).toBeWithin(0.8, 1.2);
  });

  test("is exactly 1 where classes cost the same: nothing is read out of chance", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const traffic = new Traffic(seed);
      traffic.run(10_000, [0.7, 0.25, 0.05], [1, 1, 1]);
      const row = new Float32Array(CLASSES);
      traffic.costs.fill(2, row, 0);
      for (const c of [1, 2, 3]) expect([traffic.costs.cost(c), row[c]]).toEqual([1, 1]);
    }
  });

  test("is 1 of a class of which little is known, and of one that is another's from now on", () => {
    const traffic = new Traffic(3);
    traffic.run(8000, [0.9, 0.1], [0.5, 5.5]);
    expect(traffic.costs.cost(2)).toBeGreaterThan(3);
    expect(traffic.costs.cost(9)).toBe(1);
    traffic.costs.clearClass(2);
    expect([traffic.costs.cost(2), traffic.costs.error(2)]).toEqual([1, 0]);
  });

  test("follows a release that makes a route cheap", () => {
    const traffic = new Traffic(4);
    traffic.run(10_000, [0.8, 0.2], [0.5, 3]);
    expect(traffic.costs.cost(2)).toBeGreaterThan(2);
    traffic.run(30_000, [0.8, 0.2], [0.5, 0.5]);
    expect(traffic.costs.cost(2)).toBeLessThan(1.3);
  });

  test("differs at a server where it does, and only there", () => {
    const traffic = new Traffic(5);
    const row = new Float32Array(CLASSES);
    traffic.run(60_000, [0.5, 0.5], [0.7, 1.3], {
      slowness: (c, slot) => (c === 2 && slot === 3 ? 3 : 1),
      spread: 0.5,
    });
    const at = (slot: number) => {
      traffic.costs.fill(slot, row, 0);
      return row[2] / row[1];
    };
    expect(at(3)).toBeGreaterThan(2 * at(0));
    expect(at(1) / at(0)).toBeCloseTo(1, 1);
  });

  test("one response that took forever is no proof", () => {
    const traffic = new Traffic(6);
    traffic.run(4000, [0.5, 0.5], [1, 1], { spread: 0.3 });
    const sample = { slot: 0, requestClass: 1, inFlight: 0, ownWork: 1, othersWork: 1, atMs: traffic.nowMs };
    traffic.costs.observe({ ...sample, latencyMs: 1e7 });
    traffic.costs.tick(ALL, shares(0.5, 0.5), traffic.nowMs + 1);
    expect(traffic.costs.cost(1)).toBeWithin(0.9, 1.1);
  });

  test("of a server that is another's since nothing is kept", () => {
    const traffic = new Traffic(7);
    traffic.run(8000, [0.5, 0.5], [0.5, 1.5]);
    traffic.costs.clearSlot(1);
    const row = new Float32Array(CLASSES);
    traffic.costs.fill(1, row, 0);
    expect(row[2]).toBeCloseTo(traffic.costs.cost(2), 5);
  });
});
