/** How a server came to be chosen, in words by the numbers that records have: the order is that of `Choice` in balancing/choice.ts. */
import type { ChoiceWord } from "./explanation.ts";

/** By number. */
export const CHOICE_WORDS: readonly ChoiceWord[] = [
  "unknown",
  "strategy",
  "turn",
  "draw",
  "best_of_two",
  "owner",
  "next_owner",
  "probe",
  "second_best",
  "sticky",
  "only_one",
  "trial",
];
