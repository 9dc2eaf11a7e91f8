/** What is kept of a choice: the chosen one and the best of the others, of a fleet of any size. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Choice, Scale } from "../../../../src/balancing/choice.ts";
import { ChoiceRecord } from "../../../../src/proxy/pick/choice-record.ts";
import {
  EXPLAIN_CANDIDATES,
  ExplainCandidateFlag,
  ExplainCandidateWord,
} from "../../../../src/shared/memory/layout/explain.ts";

const { SERVER, LOAD, SCORE, LENGTH } = ExplainCandidateWord;
const SLOTS = 512;

function servers(): { id: Int32Array; inFlight: Int32Array; effectiveWeight: Float64Array } {
  return {
    id: Int32Array.from({ length: SLOTS }, (_, slot) => slot + 1),
    inFlight: Int32Array.from({ length: SLOTS }, (_, slot) => slot % 7),
    effectiveWeight: new Float64Array(SLOTS).fill(1),
  };
}

/** Candidates that were kept, by place. */
function kept(record: ChoiceRecord): { slot: number; score: number; full: boolean; inFlight: number }[] {
  return Array.from({ length: record.kept }, (_, place) => {
    const at = place * LENGTH;
    const server = record.words[at + SERVER];
    return {
      slot: (server & 0xff_ffff) - 1,
      score: record.floats[at + SCORE],
      full: server >>> 24 === ExplainCandidateFlag.FULL,
      inFlight: record.words[at + LOAD] & 0xffff,
    };
  });
}

const SLOTS_WITH_SCORES = fc
  .uniqueArray(fc.integer({ min: 0, max: SLOTS - 1 }), { minLength: 1, maxLength: 300 })
  // Few values, so that there are ties.
  .chain((slots) => fc.tuple(fc.constant(slots), fc.array(fc.integer({ min: 0, max: 40 }), { minLength: SLOTS })));

describe("of all candidates that were compared", () => {
  for (const [name, scale, sign] of [
    ["the lowest", Scale.LOAD, 1],
    ["the highest", Scale.CREDIT, -1],
  ] as const) {
    test(`the chosen one comes first, and behind it ${name} of the others`, () => {
      fc.assert(
        fc.property(SLOTS_WITH_SCORES, fc.nat(), ([slots, numbers], pick) => {
          const record = new ChoiceRecord(servers());
          const chosen = slots[pick % slots.length];
          record.begin(chosen, slots.length, 0);
          record.made(Choice.BEST, scale);
          for (const slot of slots) record.scores[slot] = numbers[slot] / 3;
          record.ranked(Int32Array.from(slots), slots.length);
          record.end(Int32Array.from(slots), slots.length);
          const candidates = kept(record);
          expect(candidates[0]).toMatchObject({ slot: chosen, score: Math.fround(numbers[chosen] / 3) });
          for (const { slot, score, inFlight } of candidates) {
            expect(score).toBe(Math.fround(numbers[slot] / 3));
            expect(inFlight).toBe(slot % 7);
          }
          const others = slots.filter((slot) => slot !== chosen).map((slot) => numbers[slot]);
          const best = others.sort((a, b) => sign * (a - b)).slice(0, EXPLAIN_CANDIDATES - 1);
          const rest = candidates.slice(1).map(({ slot }) => numbers[slot]);
          expect(rest.sort((a, b) => sign * (a - b))).toEqual(best);
          expect(new Set(candidates.map(({ slot }) => slot)).size).toBe(candidates.length);
        }),
      );
    });
  }

  test("those are marked that had their share, but never the chosen one", () => {
    const record = new ChoiceRecord(servers());
    record.begin(6, 4, 0);
    record.made(Choice.NEXT_OWNER, Scale.HASH);
    for (const slot of [3, 4, 5, 6]) record.scores[slot] = slot;
    record.ranked(Int32Array.of(3, 4, 5, 6), 4, 4);
    record.end(Int32Array.of(3, 4, 5, 6), 4);
    expect(kept(record).map(({ slot, full }) => [slot, full])).toEqual([
      [6, false],
      [3, false],
      [4, true],
      [5, true],
    ]);
  });
});

test("of few candidates those are named that were not compared, without a number; of many they are not", () => {
  for (const count of [EXPLAIN_CANDIDATES, EXPLAIN_CANDIDATES + 1]) {
    const candidates = Int32Array.from({ length: count }, (_, slot) => slot);
    const record = new ChoiceRecord(servers());
    record.begin(5, count, 0);
    record.made(Choice.BEST_OF_TWO, Scale.LOAD);
    record.add(5, 1);
    record.add(2, 7);
    record.end(candidates, count);
    const named = kept(record);
    expect(named.slice(0, 2)).toMatchObject([
      { slot: 5, score: 1 },
      { slot: 2, score: 7 },
    ]);
    expect(named).toHaveLength(count === EXPLAIN_CANDIDATES ? count : 2);
    for (const { score } of named.slice(2)) expect(score).toBeNaN();
  }
});

test("what an earlier choice left is not in the next", () => {
  const record = new ChoiceRecord(servers());
  record.begin(1, 2, 0);
  record.made(Choice.NEXT_OWNER, Scale.HASH);
  record.scores.fill(9);
  record.ranked(Int32Array.of(1, 2), 2, 0);
  record.end(Int32Array.of(1, 2), 2);
  record.begin(2, 0, 0);
  record.made(Choice.STICKY, Scale.NONE);
  expect(kept(record)).toMatchObject([{ slot: 2, full: false }]);
  expect(kept(record)[0].score).toBeNaN();
});
