/** How many requests at once a worker lets pass of a limit that instances share. */
import { expect, test } from "bun:test";
import type { KeyHash } from "../../../../../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { Verdict } from "../../../../../../src/shared/memory/rate-limits/limit-counts.ts";
import { limitMemory, SharingWord } from "../../../../../../src/shared/memory/rate-limits/limit-file.ts";
import { SharedConcurrencyCounts } from "../../../../../../src/shared/memory/rate-limits/sharing/concurrency-counts.ts";
import { AWAY_MS, type SharedTerms } from "../../../../../../src/shared/memory/rate-limits/sharing/terms.ts";

const NOW_MS = 5_000_000;
const MOST = 20;
const ann: KeyHash = { hi: 5, lo: 77 };

function limit(shared: Partial<SharedTerms> = {}) {
  const memory = limitMemory({ keys: 64, concurrent: true, shared: true }, { k0: 1, k1: 2 });
  const { sharing, workers } = memory;
  sharing.words[SharingWord.HEARD_MS] = NOW_MS;
  sharing.words[SharingWord.INSTANCES] = 4;
  const terms = { whenAway: "local", advancePercent: 20, ...shared } as const;
  const counts = new SharedConcurrencyCounts(memory, workers[0].held, MOST, terms);
  /** @returns what ends those that may begin. */
  const begin = (key: KeyHash, times: number, atMs = NOW_MS): number[] =>
    Array.from({ length: times }, () => (counts.take(key, atMs) === Verdict.ALLOWED ? counts.place : -1)).filter(
      (place) => place >= 0,
    );
  const dirty = (): number[] => {
    const rows: number[] = [];
    sharing.dirty.take((row) => rows.push(row));
    return rows;
  };
  return { sharing, counts, begin, dirty };
}

test("its part of the advance, then as many as it was lent; what ends is told", () => {
  const { sharing, counts, begin, dirty } = limit();
  const first = begin(ann, 10);
  expect(first).toHaveLength(1);
  const [row] = dirty();
  expect(sharing.used[row]).toBe(1); // one was refused
  Atomics.store(sharing.lent, row, 1 + 6);
  const more = begin(ann, 10);
  expect(more).toHaveLength(5);
  dirty();
  counts.giveBack(first[0]);
  counts.giveBack(first[0]); // a second time means nothing
  expect(dirty()).toEqual([row]);
  expect(begin(ann, 10)).toHaveLength(1);
  // Lent less than there are: none begins until enough have ended.
  Atomics.store(sharing.lent, row, 1 + 2);
  for (const place of more.slice(0, 3)) counts.giveBack(place);
  expect(begin(ann, 10)).toHaveLength(0);
});

test("what one key was lent is no other's that gets its row", () => {
  const { sharing, counts, begin, dirty } = limit();
  for (const place of begin(ann, 1)) counts.giveBack(place);
  const [row] = dirty();
  Atomics.store(sharing.lent, row, 1 + 10);
  // Keys that are told apart by other bits than those that say where they are.
  const other = { hi: ann.hi + 2 ** 20, lo: 99 };
  expect(begin(other, 10)).toHaveLength(1);
});

test.each([
  ["local", 5],
  ["open", 30],
  ["closed", 0],
] as const)("while Redis is away, %s: %d of thirty at one of four instances", (whenAway, expected) => {
  const { counts, begin } = limit({ whenAway });
  const begun = begin(ann, 30, NOW_MS + AWAY_MS);
  expect(begun).toHaveLength(expected);
  expect(counts.remaining).toBeLessThanOrEqual(MOST);
});
