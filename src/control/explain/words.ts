/** What the numbers of records are called, for people. */
import { Choice, Scale } from "../../balancing/choice.ts";
import { CHOICE_WORDS } from "../../shared/explanation/choices.ts";
import type { ChoiceWord, ScoreScale } from "../../shared/explanation/explanation.ts";
import { Ineligible } from "../../shared/memory/layout/explain.ts";
import { DecisionArm, Rung } from "../../shared/memory/layout/learning.ts";

/** By `Scale`; `null` = there are no numbers. */
export const SCALES: Readonly<Record<number, ScoreScale | null>> = {
  [Scale.NONE]: null,
  [Scale.TURN]: { name: "turns until it is theirs", best: "lowest", unit: "" },
  [Scale.CREDIT]: { name: "credit earned by weight", best: "highest", unit: "" },
  [Scale.LOAD]: { name: "(in_flight + 1) / weight", best: "lowest", unit: "" },
  [Scale.CHANCE]: { name: "chance of being drawn", best: "none", unit: "" },
  [Scale.PEAK_LOAD]: { name: "peak EWMA × (in_flight + 1) / weight", best: "lowest", unit: "ms" },
  [Scale.LATENCY_LOAD]: { name: "EWMA × (in_flight + 1) / weight", best: "lowest", unit: "ms" },
  [Scale.EXPECTED]: { name: "expected latency × stall × crowd / weight", best: "lowest", unit: "ms" },
  [Scale.MODEL]: { name: "model's cost × stall × crowd / weight", best: "lowest", unit: "" },
  [Scale.HASH]: { name: "hash distance of the key / weight", best: "lowest", unit: "" },
};

/** A word and a sentence, as `how` has them for a choice. */
interface Told {
  readonly word: ChoiceWord;
  readonly why: string;
}

const WHY: Readonly<Record<number, string>> = {
  [Choice.UNKNOWN]: "how it came to be chosen was not taken down",
  [Choice.BEST]: "of all candidates it had the best number",
  [Choice.TURN]: "it was its turn",
  [Choice.DRAW]: "it was drawn at random, by weight",
  [Choice.BEST_OF_TWO]: "two candidates were drawn at random, and it had the better number",
  [Choice.OWNER]: "the key that the request sticks to is its own",
  [Choice.NEXT_OWNER]:
    "it is the next one for the key that the request sticks to: those before it had their share of the load",
  [Choice.PROBE]: "it was idle and nothing was known of it: one request finds out",
  [Choice.SECOND_BEST]: "it was the second best, taken on purpose so that something is learned of it",
  [Choice.STICKY]: "its client sticks to it by its cookie",
  [Choice.ONLY_ONE]: "nobody else could be asked",
  [Choice.TRIAL]: "it had failed everything, and one request finds out whether it still does",
};

/** Those of `ml` whose policy says more than that it was the best. */
const RUNGS: Readonly<Record<number, Told>> = {
  [Rung.MODEL]: { word: "model", why: "the model expected the lowest cost of it" },
  [Rung.ESTIMATOR]: {
    word: "estimator",
    why: "the estimator, which stands in for the model, expected the lowest latency of it",
  },
  [Rung.FLOOR]: {
    word: "floor",
    why: "it was its turn in weighted round robin, which stands in for model and estimator",
  },
};

/**
 * How a server came to be chosen.
 * @param arm the `DecisionArm`; -1 = another strategy than `ml` chose.
 */
export function howChosen(choice: number, arm: number, rung: number): Told {
  const told = { word: CHOICE_WORDS[choice] ?? CHOICE_WORDS[0], why: WHY[choice] ?? WHY[Choice.UNKNOWN] };
  if (arm < 0 || (choice !== Choice.BEST && choice !== Choice.TURN)) return told;
  const by = RUNGS[rung] ?? told;
  if (arm === DecisionArm.CONTROL)
    return {
      word: "comparison",
      why: `${by.why}; the request was one of those by which the next policy below is compared`,
    };
  if (arm === DecisionArm.CANARY)
    return {
      word: "comparison",
      why: `${by.why}; the request was one of those by which a candidate model is compared`,
    };
  return by;
}

/** What further attempts go by: why no better one was asked (`Rank` of the picker). */
export const RANKS: Readonly<Record<number, string>> = {
  1: "it had not answered this worker yet, but nobody's last request had failed there",
  2: "others that could be asked had failed, too, or were less trusted: its own last request or check had failed",
  3: "it is a backup: nobody before it could be asked",
  4: "it had failed this request already, but answered others since; nobody better could be asked",
  5: "it failed all requests, and so did everybody else who could be asked",
  6: "it had failed this request already; nobody else could be asked",
};

/** By `Ineligible`: the state, and why. */
export const INELIGIBLE: Readonly<Record<number, readonly [state: string, why: string]>> = {
  [Ineligible.DOWN]: ["down", "its health checks fail"],
  [Ineligible.EJECTED]: [
    "ejected",
    "it was ejected: its responses failed, or most instances of the cluster had it out",
  ],
  [Ineligible.DRAINING]: ["draining", "it finishes what it has and takes nothing new"],
  [Ineligible.STANDBY]: ["standby", "it is a backup, and those before it could be asked"],
  [Ineligible.FULL]: ["full", "it was at its hard limit of requests in flight"],
  [Ineligible.AT_LIMIT]: ["at_limit", "it was at the limit of requests in flight that was learned of it"],
  [Ineligible.PASSED_OVER]: ["passed_over", "it failed everything of late, and others did not"],
  [Ineligible.TRIED]: ["failed_before", "an earlier attempt of this request was there"],
  [Ineligible.MAINTENANCE]: ["maintenance", "an operator has taken it out for maintenance"],
  [Ineligible.LESS_TRUSTED]: ["less_trusted", "others were more likely to answer a second attempt"],
};

/** A limit as it is now. @param sources how many instances learned it. */
export function limitText(limit: number, sources: number): string {
  return sources > 1 ? `now ${limit}, learned by ${sources} instances` : `now ${limit}`;
}
