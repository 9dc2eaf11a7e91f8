/** Signs of trouble: what takes a model out of service at once, whatever its outcomes. */
import { type Finding, failed } from "../finding.ts";

/** What the guardrail is told at each tick, beside the outcomes. */
export interface GuardrailSigns {
  /** There is a champion whose table is published. */
  readonly modelReady: boolean;
  /** Age of the champion's score table, milliseconds. */
  readonly tableAgeMs: number;
  /** The remote model does not answer or its circuit breaker is open; `false` where the model is our own. */
  readonly remoteUnavailable: boolean;
  /** The champion is a remote model; left out where it is our own. */
  readonly remote?: boolean;
  /** Scores of the champion since the last tick that were no finite numbers. */
  readonly modelFaults: number;
  /** Why the champion made no table the last time, for people; empty or left out when it did. */
  readonly modelProblem?: string;
  /** In what its inputs have drifted from those it was trained on; `undefined` = in nothing, or they are not watched. */
  readonly drift: Finding | undefined;
  /** The canary arm is taken by a candidate: no probation now. */
  readonly canaryBusy: boolean;
}

/** The table is too old to be believed; also when its age is not known. */
function isStale({ tableAgeMs }: GuardrailSigns, mostMs: number): boolean {
  return !(tableAgeMs <= mostMs);
}

/** The model is far away and gives no tables. */
export function isAway(signs: GuardrailSigns, mostTableAgeMs: number): boolean {
  return signs.remoteUnavailable || (signs.remote === true && isStale(signs, mostTableAgeMs));
}

/** Why the model cannot serve; `undefined` = nothing speaks against it. */
export function troubleOf(signs: GuardrailSigns, mostTableAgeMs: number): Finding | undefined {
  const { modelReady, modelFaults, modelProblem, tableAgeMs, drift } = signs;
  if (!modelReady) return failed("there is no model");
  if (modelFaults > 0) {
    return failed(modelProblem || `the model gave ${modelFaults} scores that are no numbers`, { modelFaults });
  }
  if (isStale(signs, mostTableAgeMs)) {
    const age = `the score table is ${Math.round(tableAgeMs)} ms old, ${mostTableAgeMs} ms are allowed`;
    return failed(modelProblem || age, { tableAgeMs });
  }
  return drift;
}
