/** What strategies say of their choices: the numbers that they went by, and nothing is changed by it. */
import { describe, expect, test } from "bun:test";
import { Choice, type ChoiceNotes, isHighestBest, Scale } from "../../../src/balancing/choice.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { STRATEGY_NAMES } from "../../../src/balancing/registry.ts";
import type { Strategy } from "../../../src/balancing/strategy.ts";
import { fleetOf, make, type TestFleet } from "./fleet.ts";

const SLOTS = [3, 9, 11, 40, 41, 50];

class Notes implements ChoiceNotes {
  readonly #fleet: TestFleet;
  choice: Choice = Choice.UNKNOWN;
  scale: Scale = Scale.NONE;
  readonly scores: Float64Array;
  /** By slot: the numbers that were said. */
  readonly said = new Map<number, number>();
  readonly full = new Set<number>();

  constructor(fleet: TestFleet) {
    this.#fleet = fleet;
    this.scores = new Float64Array(fleet.id.length);
  }

  made(choice: Choice, scale: Scale): void {
    this.choice = choice;
    this.scale = scale;
  }

  add(slot: number, score: number): void {
    this.said.set(slot, score);
  }

  ranked(candidates: Int32Array, count: number, roomPerWeight = Number.POSITIVE_INFINITY): void {
    const { inFlight, effectiveWeight } = this.#fleet;
    for (const slot of candidates.subarray(0, count)) {
      this.add(slot, this.scores[slot]);
      if (inFlight[slot] >= roomPerWeight * effectiveWeight[slot]) this.full.add(slot);
    }
  }
}

/** Traffic in which requests overlap; `look` is called after each pick, before it is in flight. */
function run(
  name: string,
  fleet: TestFleet,
  look: (strategy: Strategy, candidates: Int32Array, key: number, nowMs: number, slot: number) => void,
): number[] {
  const strategy = make(name, fleet, 7);
  const candidates = Int32Array.from(SLOTS);
  const random = seededRandom(1007);
  const picks: number[] = [];
  strategy.onCandidates?.(candidates, candidates.length);
  for (let i = 0; i < 3000; i++) {
    const key = random.nextUint32();
    const slot = strategy.pick(candidates, candidates.length, key, i);
    look(strategy, candidates, key, i, slot);
    fleet.inFlight[slot]++;
    picks.push(slot);
    if (i < 9) continue;
    const done = picks[i - 9];
    fleet.inFlight[done]--;
    strategy.onOutcome?.(done, (done % 7) + 5 + random.next() * 10, random.next() < 0.01, i);
  }
  return picks;
}

for (const name of STRATEGY_NAMES) {
  describe(name, () => {
    test("its choice is the best by its own numbers, or says that numbers did not decide", () => {
      const choices = new Set<Choice>();
      const fleet = fleetOf(SLOTS, [1, 2, 1, 1, 3, 1]);
      run(name, fleet, (strategy, candidates, key, nowMs, slot) => {
        const notes = new Notes(fleet);
        strategy.explain?.(candidates, candidates.length, key, nowMs, slot, notes);
        choices.add(notes.choice);
        const own = notes.said.get(slot) ?? Number.NaN;
        expect(own).not.toBeNaN();
        expect(notes.scale).not.toBe(Scale.NONE);
        expect(notes.full.has(slot)).toBe(false);
        if (notes.choice === Choice.PROBE || notes.choice === Choice.DRAW) return;
        const others = [...notes.said].filter(([other]) => other !== slot && !notes.full.has(other));
        for (const [, score] of others) {
          // What is equal but for rounding is equal.
          if (isHighestBest(notes.scale)) expect(score).toBeLessThanOrEqual(own * (1 + 1e-9) + 1e-9);
          else expect(score).toBeGreaterThanOrEqual(own * (1 - 1e-9));
        }
      });
      expect(choices.has(Choice.UNKNOWN)).toBe(false);
    });

    test("says it of one candidate, too", () => {
      const fleet = fleetOf([17]);
      const strategy = make(name, fleet);
      const notes = new Notes(fleet);
      strategy.explain?.(Int32Array.of(17), 1, 5, 1, strategy.pick(Int32Array.of(17), 1, 5, 1), notes);
      expect([...notes.said.keys()]).toEqual([17]);
    });

    test("nobody is chosen otherwise because it is said", () => {
      const silent = run(name, fleetOf(SLOTS), () => {});
      const fleet = fleetOf(SLOTS);
      const said = run(name, fleet, (strategy, candidates, key, nowMs, slot) => {
        strategy.explain?.(candidates, candidates.length, key, nowMs, slot, new Notes(fleet));
      });
      expect(said).toEqual(silent);
    });
  });
}

test("consistent_hash says whose key it was when that one has its share", () => {
  const fleet = fleetOf([0, 1, 2]);
  const strategy = make("consistent_hash", fleet);
  const candidates = Int32Array.of(0, 1, 2);
  const own = strategy.pick(candidates, 3, 77, 0);
  fleet.inFlight[own] = 100;
  const next = strategy.pick(candidates, 3, 77, 1);
  const notes = new Notes(fleet);
  strategy.explain?.(candidates, 3, 77, 1, next, notes);
  expect(next).not.toBe(own);
  expect(notes.choice).toBe(Choice.NEXT_OWNER);
  expect([...notes.full]).toEqual([own]);
  expect(notes.said.get(own)).toBeLessThan(notes.said.get(next) ?? 0);
});

test("chances of being drawn are the shares of the weights", () => {
  const fleet = fleetOf([0, 1], [1, 3]);
  const strategy = make("random", fleet);
  const notes = new Notes(fleet);
  strategy.explain?.(Int32Array.of(0, 1), 2, 0, 0, 0, notes);
  expect([...notes.said]).toEqual([
    [0, 0.25],
    [1, 0.75],
  ]);
});
