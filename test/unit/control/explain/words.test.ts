/** Every number of a record has a word and a sentence. */
import { describe, expect, test } from "bun:test";
import { Choice, isHighestBest, Scale } from "../../../../src/balancing/choice.ts";
import { howChosen, INELIGIBLE, limitText, SCALES } from "../../../../src/control/explain/words.ts";
import { CHOICE_WORDS } from "../../../../src/shared/explanation/choices.ts";
import { Ineligible } from "../../../../src/shared/memory/layout/explain.ts";
import { DecisionArm, Rung } from "../../../../src/shared/memory/layout/learning.ts";

const NO_ML = -1;

describe("words", () => {
  test("of choices, in the order of their numbers", () => {
    expect(CHOICE_WORDS.length).toBe(Object.keys(Choice).length);
    const names = Object.entries(Choice).map(([name, number]) => [
      name.toLowerCase(),
      howChosen(number, NO_ML, 0).word,
    ]);
    for (const [name, word] of names) expect(word).toBe((name === "best" ? "strategy" : name) as typeof word);
    for (const number of Object.values(Choice)) expect(howChosen(number, NO_ML, 0).why).toBeString();
    expect(howChosen(31, NO_ML, 0).word).toBe("unknown");
  });

  test("of scales: which is chosen is said as strategies mean it", () => {
    for (const scale of Object.values(Scale)) {
      if (scale === Scale.NONE) continue;
      const told = SCALES[scale];
      if (scale !== Scale.CHANCE) expect(told?.best).toBe(isHighestBest(scale) ? "highest" : "lowest");
      expect(told?.name).toBeString();
    }
  });

  test("of who was no candidate", () => {
    for (const [name, number] of Object.entries(Ineligible)) {
      if (name !== "LENGTH") expect(INELIGIBLE[number]).toHaveLength(2);
    }
  });

  test("of ml: by which policy, and whether for comparison", () => {
    const words = [
      howChosen(Choice.BEST, DecisionArm.CHAMPION, Rung.MODEL),
      howChosen(Choice.BEST, DecisionArm.CHAMPION, Rung.ESTIMATOR),
      howChosen(Choice.TURN, DecisionArm.CHAMPION, Rung.FLOOR),
      howChosen(Choice.BEST, DecisionArm.CONTROL, Rung.ESTIMATOR),
      howChosen(Choice.SECOND_BEST, DecisionArm.CHAMPION, Rung.MODEL),
      howChosen(Choice.PROBE, DecisionArm.PROBE, Rung.ESTIMATOR),
    ];
    expect(words.map(({ word }) => word)).toEqual([
      "model",
      "estimator",
      "floor",
      "comparison",
      "second_best",
      "probe",
    ]);
  });
});

test("a limit says by how many instances it was learned, where there are several", () => {
  expect(limitText(4, 1)).toBe("now 4");
  expect(limitText(4, 3)).toBe("now 4, learned by 3 instances");
});
