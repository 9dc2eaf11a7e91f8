import { describe, expect, test } from "bun:test";
import { TrainingTurns } from "../../../../../src/learning/online/training/training-turns.ts";

describe("turns to train", () => {
  const [a, b, c] = [{}, {}, {}];

  test("are one at a time, in the order in which they were asked for", () => {
    const turns = new TrainingTurns();
    expect([turns.take(a), turns.take(b), turns.take(c), turns.take(b)]).toEqual([true, false, false, false]);
    turns.end(a);
    expect([turns.take(a), turns.take(c), turns.take(b)]).toEqual([false, false, true]);
    turns.end(b);
    expect([turns.take(b), turns.take(a), turns.take(c)]).toEqual([false, false, true]);
    turns.end(c);
    expect([turns.take(b), turns.take(a)]).toEqual([false, true]);
  });

  test("are not waited for by who has withdrawn, nor ended by who has none", () => {
    const turns = new TrainingTurns();
    turns.take(a);
    turns.take(b);
    turns.take(c);
    turns.withdraw(b);
    turns.end(b);
    expect(turns.take(c)).toBe(false);
    turns.end(a);
    expect(turns.take(c)).toBe(true);
  });
});
