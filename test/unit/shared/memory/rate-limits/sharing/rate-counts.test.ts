/** What a worker lets pass of a limit on requests in a period that instances share: by what it was lent, and alone. */
import { describe, expect, test } from "bun:test";
import { gcraTerms } from "../../../../../../src/shared/memory/rate-limits/gcra.ts";
import type { KeyHash } from "../../../../../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { Verdict } from "../../../../../../src/shared/memory/rate-limits/limit-counts.ts";
import {
  limitMemory,
  placeOf,
  rowOf,
  SharingWord,
} from "../../../../../../src/shared/memory/rate-limits/limit-file.ts";
import { KNOWN_MS, SharedRateCounts } from "../../../../../../src/shared/memory/rate-limits/sharing/rate-counts.ts";
import { AWAY_MS, type SharedTerms } from "../../../../../../src/shared/memory/rate-limits/sharing/terms.ts";

const NOW_MS = 5_000_000;
const DAY_MS = 86_400_000;
const ann: KeyHash = { hi: 5, lo: 77 };

function limit(burst: number, instances: number, shared: Partial<SharedTerms> = {}) {
  const memory = limitMemory({ keys: 64, concurrent: false, shared: true }, { k0: 1, k1: 2 });
  const { sharing } = memory;
  sharing.words[SharingWord.HEARD_MS] = NOW_MS;
  sharing.words[SharingWord.INSTANCES] = instances;
  const terms = gcraTerms(burst, DAY_MS, burst);
  const counts = new SharedRateCounts(memory, terms, { whenAway: "local", advancePercent: 10, ...shared });
  const passed = (times: number, atMs: number): number =>
    Array.from({ length: times }, () => counts.take(ann, atMs, true)).filter((one) => one === Verdict.ALLOWED).length;
  const dirty = (): number[] => {
    const rows: number[] = [];
    sharing.dirty.take((row) => rows.push(row));
    return rows;
  };
  return { sharing, counts, passed, dirty };
}

test("rows and places are each other's", () => {
  for (let row = 0; row < 100; row++) expect(rowOf(placeOf(row))).toBe(row);
});

describe("while Redis is there", () => {
  test("of a key that nobody knows its part of the advance passes, and then what was lent", () => {
    const { sharing, counts, passed, dirty } = limit(100, 2);
    expect(passed(20, NOW_MS)).toBe(5);
    const [row] = dirty();
    expect([sharing.used[row], sharing.hashes[row]]).toEqual([5, ann.hi]);
    // Nothing passed, but it was asked for: that is told as well.
    expect(passed(1, NOW_MS + 1)).toBe(0);
    expect(dirty()).toEqual([row]);
    expect(counts.waitMs).toBeGreaterThan(0);
    Atomics.store(sharing.lent, row, 3);
    expect(passed(10, NOW_MS + 2)).toBe(3);
    expect(sharing.used[row]).toBe(8);
  });

  test("advance: 0 lets nothing pass before it was lent", () => {
    const { passed, dirty } = limit(100, 2, { advancePercent: 0 });
    expect(passed(3, NOW_MS)).toBe(0);
    expect(dirty()).toHaveLength(1);
  });

  test("what is taken back may pass again, and was not used", () => {
    const { sharing, counts, passed, dirty } = limit(100, 10);
    expect(counts.take(ann, NOW_MS, true)).toBe(Verdict.ALLOWED);
    counts.giveBack(counts.place);
    expect(sharing.used[dirty()[0]]).toBe(0);
    expect(passed(3, NOW_MS)).toBe(1);
  });

  test("when nobody has said anything of a key for a while, it is one that nobody knows", () => {
    const { sharing, passed } = limit(100, 10);
    expect(passed(2, NOW_MS)).toBe(1);
    sharing.words[SharingWord.HEARD_MS] = NOW_MS + DAY_MS;
    expect(passed(2, NOW_MS + DAY_MS)).toBe(1);
    expect(KNOWN_MS).toBeLessThan(DAY_MS);
  });
});

describe("while it is away", () => {
  const later = NOW_MS + AWAY_MS;

  test.each([
    ["local", 25],
    ["open", 100],
    ["closed", 0],
  ] as const)("%s: %d of a hundred pass at one of four instances", (whenAway, expected) => {
    expect(limit(100, 4, { whenAway }).passed(100, later)).toBe(expected);
  });

  test("of a burst that is smaller than the number of instances one passes, and no more until its time", () => {
    const { passed } = limit(1, 100);
    expect(passed(50, later)).toBe(1);
    expect(passed(50, later + 99 * DAY_MS)).toBe(0);
    expect(passed(50, later + 101 * DAY_MS)).toBe(1);
  });

  test("what passed is noted for when it is back", () => {
    const { sharing, passed, dirty } = limit(100, 4);
    passed(100, later);
    expect(sharing.used[dirty()[0]]).toBe(25);
  });
});
