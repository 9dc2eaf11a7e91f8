/** What is expected of strategies, in a sentence or two. */
import type { Estimate, Expectations, StrategyExpectation } from "../../shared/expectations.ts";

/** Of all that was found. */
export function expectationSentence(found: Omit<Expectations, "sentence">): string {
  switch (found.verdict) {
    case "nothing":
      return "There is nothing to replay, so nothing is expected.";
    case "impossible":
      return "There is too little to check the model by, so there are no figures.";
    case "failed":
      return "The model does not give again what really happened, so there are no figures.";
    case "passed":
      return found.ran === null ? CHECKED : `${CHECKED} ${comparison(found.expectations)}`;
  }
}

const CHECKED = "The model foretold the second half of this traffic from the first.";

/** By the slowest hundredth; only what does not overlap is told apart. */
function comparison(expectations: readonly StrategyExpectation[]): string {
  const ran = expectations.find((one) => one.ran);
  if (ran === undefined || ran.p99_ms === null) return "";
  const { p99_ms: present } = ran;
  const better = expectations.filter(({ p99_ms }) => p99_ms !== null && p99_ms.high < present.low);
  const [best] = better.toSorted((a, b) => a.p99_ms!.value - b.p99_ms!.value);
  if (best === undefined) return `By its p99 no strategy is told to be better than ${ran.strategy}, which ran.`;
  return `The best p99 is that of ${best.strategy}, ${estimate(best.p99_ms!)}; that of ${ran.strategy}, which ran, is ${estimate(present)}.`;
}

function estimate({ value, low, high }: Estimate): string {
  return `${time(value)} (${time(low)} to ${time(high)})`;
}

function time(ms: number): string {
  return `${ms.toFixed(ms >= 100 ? 0 : ms >= 1 ? 1 : 2)} ms`;
}
