/** What a limit lets pass, against an exact GCRA in plain numbers, and what becomes of a full table. Seeded. */
import { describe, expect, test } from "bun:test";
import { ConcurrencyCounts } from "../../../../../src/shared/memory/rate-limits/concurrency-counts.ts";
import { gcraTerms } from "../../../../../src/shared/memory/rate-limits/gcra.ts";
import { halfSipHash, KeyHash } from "../../../../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { reclaimHeld } from "../../../../../src/shared/memory/rate-limits/held-places.ts";
import { Verdict } from "../../../../../src/shared/memory/rate-limits/limit-counts.ts";
import { type LimitMemory, limitMemory } from "../../../../../src/shared/memory/rate-limits/limit-file.ts";
import { RateCounts } from "../../../../../src/shared/memory/rate-limits/rate-counts.ts";
import { countUsed } from "../../../../../src/shared/memory/rate-limits/used-keys.ts";

const SECRET = { k0: 0x1234_5678, k1: 0x0bad_cafe };
const START_MS = 4_321_000;

/** mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function hashOf(name: string): KeyHash {
  const hash = new KeyHash();
  const bytes = Buffer.from(name);
  halfSipHash(SECRET, bytes, 0, bytes.length, hash);
  return hash;
}

function rates(quota: number, periodMs: number, burst: number, keys = 1024) {
  const memory = limitMemory({ keys, concurrent: false, shared: false }, SECRET);
  const terms = gcraTerms(quota, periodMs, burst);
  return { memory, terms, counts: new RateCounts(memory, terms) };
}

describe("requests in a period", () => {
  const cases = [
    [100, 60_000, 100],
    [1, 1000, 1],
    [5, 600_000, 3],
    [1000, 1000, 50],
    [1_000_000, 1000, 1000],
    [7, 86_400_000, 7],
  ] as const;

  test.each(cases)("%d in %d ms, %d at once: as an exact GCRA, over hours and wraps", (quota, periodMs, burst) => {
    const random = seeded(quota + burst);
    const { counts } = rates(quota, periodMs, burst);
    const interval = periodMs / quota;
    const keys = ["a", "b", "c"].map((name) => ({ hash: hashOf(name), arrival: Number.NEGATIVE_INFINITY }));
    let now = START_MS;
    let differences = 0;
    let allowed = 0;
    const total = 20_000;
    for (let i = 0; i < total; i++) {
      // Now and then longer than what a word of 32 bits can count.
      now += random() < 0.001 ? interval * 2 ** 27 * random() : interval * random() * 0.6;
      const key = keys[Math.floor(random() * keys.length)];
      const arrival = Math.max(key.arrival, now) + interval;
      const passes = arrival - now <= burst * interval;
      const verdict = counts.take(key.hash, now, true);
      if (passes) key.arrival = arrival;
      if ((verdict === Verdict.ALLOWED) === passes) {
        allowed += passes ? 1 : 0;
        continue;
      }
      differences++;
      // It is a matter of less than a unit: from here on they have counted the same again.
      key.arrival = verdict === Verdict.ALLOWED ? arrival : key.arrival - (passes ? interval : 0);
    }
    expect(allowed).toBeGreaterThan(total / 4);
    expect(differences).toBeLessThan(total / 200);
  });

  test("what is left, and for how long", () => {
    const { counts } = rates(60, 60_000, 3);
    const key = hashOf("a");
    const asked = Array.from({ length: 4 }, () => {
      const verdict = counts.take(key, START_MS, true);
      return [verdict, counts.remaining, Math.round(counts.waitMs)];
    });
    expect(asked).toEqual([
      [Verdict.ALLOWED, 2, 1000],
      [Verdict.ALLOWED, 1, 1000],
      [Verdict.ALLOWED, 0, 1000],
      [Verdict.REFUSED, 0, 1000],
    ]);
    expect(counts.take(key, START_MS + 400, true)).toBe(Verdict.REFUSED);
    expect(Math.round(counts.waitMs / 50) * 50).toBe(600);
    expect(counts.take(key, START_MS + 1000, true)).toBe(Verdict.ALLOWED);
  });

  test("what was counted and taken back was never there", () => {
    const { counts } = rates(60, 60_000, 2);
    const key = hashOf("a");
    for (let i = 0; i < 100; i++) {
      expect(counts.take(key, START_MS, true)).toBe(Verdict.ALLOWED);
      counts.giveBack(counts.place);
    }
    expect(counts.take(key, START_MS, true)).toBe(Verdict.ALLOWED);
    expect(counts.remaining).toBe(1);
  });

  test("workers that count in the same memory allow no more together", () => {
    const { memory, terms } = rates(100, 3_600_000, 100);
    const workers = [new RateCounts(memory, terms), new RateCounts(memory, terms), new RateCounts(memory, terms)];
    const key = hashOf("a");
    let allowed = 0;
    for (let i = 0; i < 400; i++) {
      // Their clocks differ by what busy workers have read of them.
      if (workers[i % 3].take(key, START_MS - (i % 3) * 150, true) === Verdict.ALLOWED) allowed++;
    }
    expect(allowed).toBe(100);
  });

  test("millions of keys: the memory stays, who has used most stays refused, and all is counted", () => {
    const { memory, counts } = rates(10, 3_600_000, 10, 4096);
    const abusers = Array.from({ length: 50 }, (_, index) => hashOf(`abuser ${index}`));
    for (const key of abusers) while (counts.take(key, START_MS, true) !== Verdict.REFUSED);
    let forgotten = 0;
    let uncounted = 0;
    for (let i = 0; i < 1_000_000; i++) {
      const verdict = counts.take(hashOf(`${i}`), START_MS + 1 + i / 10_000, true);
      if (counts.forgot) forgotten++;
      if (verdict === Verdict.NO_PLACE) uncounted++;
    }
    expect(uncounted).toBe(0);
    expect(forgotten).toBeGreaterThan(990_000);
    const still = abusers.filter((key) => counts.take(key, START_MS + 200, true) === Verdict.REFUSED);
    expect(still.length).toBe(abusers.length);
    const terms = gcraTerms(10, 3_600_000, 10);
    expect(countUsed(memory, { terms, now: ((START_MS + 200) * terms.unitsPerMs) | 0 })).toBe(4096);
  });

  test("where keys are not to be forgotten, there is no place for another one", () => {
    const { counts } = rates(10, 3_600_000, 10, 64);
    const verdicts = Array.from({ length: 1000 }, (_, index) => counts.take(hashOf(`${index}`), START_MS, false));
    expect(verdicts.filter((verdict) => verdict === Verdict.ALLOWED).length).toBe(64);
    expect(verdicts.filter((verdict) => verdict === Verdict.NO_PLACE).length).toBe(936);
    // When they have passed, there is again.
    expect(counts.take(hashOf("new"), START_MS + 3_600_001, false)).toBe(Verdict.ALLOWED);
  });

  test("a table at three quarters has room for its keys", () => {
    const { memory, terms, counts } = rates(1, 3_600_000, 1, 65_536);
    const wanted = 49_152;
    let found = 0;
    for (let i = 0; i < wanted; i++) if (counts.take(hashOf(`${i}`), START_MS, false) === Verdict.ALLOWED) found++;
    expect(found).toBeGreaterThan(wanted * 0.9999);
    const used = countUsed(memory, { terms, now: (START_MS * terms.unitsPerMs) | 0 });
    expect(used).toBe(found);
  });
});

describe("requests at once", () => {
  function places(memory: LimitMemory, worker: number, most: number): ConcurrencyCounts {
    return new ConcurrencyCounts(memory, memory.workers[worker].held, most);
  }

  test("each key has so many, over all workers, until they are given back", () => {
    const memory = limitMemory({ keys: 64, concurrent: true, shared: false }, SECRET);
    const [one, other] = [places(memory, 0, 3), places(memory, 1, 3)];
    const key = hashOf("a");
    const held = [one, other, one].map((worker) => {
      expect(worker.take(key)).toBe(Verdict.ALLOWED);
      return [worker, worker.place] as const;
    });
    expect(one.remaining).toBe(0);
    expect([one.take(key), other.take(key)]).toEqual([Verdict.REFUSED, Verdict.REFUSED]);
    expect(one.take(hashOf("b"))).toBe(Verdict.ALLOWED);
    const [worker, place] = held[1];
    worker.giveBack(place);
    worker.giveBack(place); // a second time means nothing
    expect(one.take(key)).toBe(Verdict.ALLOWED);
    expect(other.take(key)).toBe(Verdict.REFUSED);
  });

  test("those of a dead worker are given back, and nobody else's", () => {
    const memory = limitMemory({ keys: 64, concurrent: true, shared: false }, SECRET);
    const [one, other] = [places(memory, 0, 4), places(memory, 1, 4)];
    const key = hashOf("a");
    for (const worker of [one, one, one, other]) expect(worker.take(key)).toBe(Verdict.ALLOWED);
    reclaimHeld(memory, 0);
    reclaimHeld(memory, 0);
    const successor = places(memory, 0, 4);
    expect([0, 0, 0, 0].map(() => successor.take(key))).toEqual([
      Verdict.ALLOWED,
      Verdict.ALLOWED,
      Verdict.ALLOWED,
      Verdict.REFUSED,
    ]);
  });

  test("keys without requests leave their places to others", () => {
    const memory = limitMemory({ keys: 64, concurrent: true, shared: false }, SECRET);
    const counts = places(memory, 0, 1);
    for (let i = 0; i < 10_000; i++) {
      expect(counts.take(hashOf(`${i}`))).toBe(Verdict.ALLOWED);
      counts.giveBack(counts.place);
    }
    expect(countUsed(memory, null)).toBe(0);
  });
});
