/** Which policy serves: the model, the estimator or weighted round robin. */
import { ArmComparison, type ArmComparisonOptions, type ArmSummary } from "./arm-comparison.ts";
import { describe, figures } from "./describe.ts";
import type { DriftVerdict } from "./drift.ts";
import type { GuardrailOptions } from "./options.ts";
import { Probation } from "./probation.ts";
import { SequentialEvidence } from "./sequential-evidence.ts";
import { finiteNumbers, RUNG, RUNG_NAMES, type Rung } from "./verdict.ts";

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
  /** `undefined` = not watched. */
  readonly drift: DriftVerdict | undefined;
  /** The canary arm is taken by a candidate: no probation now. */
  readonly canaryBusy: boolean;
}

/** A change of the guardrail. */
export interface GuardrailEvent {
  readonly atMs: number;
  readonly kind: "demoted" | "probation_started" | "probation_failed" | "recovered";
  readonly from: Rung;
  readonly to: Rung;
  /** It rests on the outcomes of the model, not on a sign of trouble. */
  readonly byOutcomes: boolean;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** What survives a restart. Durations, because clocks may not. */
export interface GuardrailState {
  readonly rung: Rung;
  readonly holdLeftMs: number;
  readonly strikes: number;
  /** The model server is or was away, and nothing else speaks against its model; left out when that is not so. */
  readonly away?: boolean;
}

interface Finding {
  /** Outcomes of the model say so. */
  readonly byOutcomes?: boolean;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

const SURVIVES: GuardrailState = Object.freeze({ rung: RUNG.MODEL, holdLeftMs: 0, strikes: 0 });

/**
 * The ladder: down on evidence or on a sign of trouble, up by itself. The caller tells it which outcomes count.
 *
 * How soon, and how rarely without a difference: guardrail-simulation.test.ts.
 */
export class Guardrail {
  readonly #options: GuardrailOptions;
  readonly #comparisonOptions: ArmComparisonOptions;
  readonly #evidence: SequentialEvidence;
  readonly #comparison: ArmComparison;
  /** The same in logarithms: chance rules them less, so what is very bad shows in half the time. */
  readonly #logEvidence: SequentialEvidence;
  readonly #logComparison: ArmComparison;
  readonly #threshold: number;
  #rung: Rung;
  #heldUntilMs: number;
  #strikes: number;
  #goodSinceMs: number;
  #probation: Probation | undefined;
  /** The model serves no more only because its server went away. */
  #away: boolean;
  /** Since when that server has been there again, milliseconds. */
  #backMs = Number.POSITIVE_INFINITY;

  constructor(
    options: GuardrailOptions,
    comparison: ArmComparisonOptions,
    nowMs: number,
    state: GuardrailState = SURVIVES,
  ) {
    this.#options = options;
    this.#comparisonOptions = comparison;
    const restarting = { claim: "worse", startWeight: 0, bucketWeight: 1, ownVariance: true } as const;
    this.#evidence = new SequentialEvidence({ ...restarting, bets: options.bets });
    this.#comparison = new ArmComparison(comparison, [this.#evidence]);
    this.#logEvidence = new SequentialEvidence({ ...restarting, bets: options.logBets });
    this.#logComparison = new ArmComparison(comparison, [this.#logEvidence]);
    this.#threshold = options.falseAlarmEveryMs / comparison.bucketMs;
    this.#rung = state.rung;
    this.#heldUntilMs = nowMs + state.holdLeftMs;
    this.#strikes = state.strikes;
    this.#away = state.away ?? false;
    this.#goodSinceMs = nowMs;
  }

  /** The policy that serves. */
  get rung(): Rung {
    return this.#rung;
  }

  /** Share of requests that the model should get in the canary arm; 0 = no probation. */
  get probationShare(): number {
    return this.#probation === undefined ? 0 : this.#options.probationShare;
  }

  /** What to keep for the next start. */
  state(nowMs: number): GuardrailState {
    const holdLeftMs = Math.max(0, this.#heldUntilMs - nowMs);
    return { rung: this.#rung, holdLeftMs, strikes: this.#strikes, ...(this.#away && { away: true }) };
  }

  /** An outcome of the policy that serves. */
  observeChampion(cost: number): void {
    this.#comparison.observeSubject(cost);
    this.#logComparison.observeSubject(logCost(cost));
    this.#probation?.observeEstimator(cost);
  }

  /** An outcome of the policy one rung below. */
  observeControl(cost: number): void {
    this.#comparison.observeReference(cost);
    this.#logComparison.observeReference(logCost(cost));
  }

  /** An outcome of the model on probation. */
  observeProbation(cost: number): void {
    this.#probation?.observeModel(cost);
  }

  /** The policy that serves against the one below, in the window. */
  summary(nowMs: number): ArmSummary {
    return this.#comparison.summary(nowMs, this.#options.windowMs);
  }

  /** What serves has changed without the ladder (another champion): what was seen of it is void. */
  restart(): void {
    this.#comparison.restart();
    this.#logComparison.restart();
  }

  /**
   * Moves time on; call it about once a second.
   * @param settleOtherwise asked before a demotion for being worse: true = somebody has rolled back the model instead.
   */
  tick(nowMs: number, signs: GuardrailSigns, settleOtherwise: (reason: string) => boolean): GuardrailEvent | undefined {
    this.#comparison.advance(nowMs);
    this.#logComparison.advance(nowMs);
    this.#forgive(nowMs, signs);
    if (signs.remoteUnavailable || (signs.remote === true && this.#isStale(signs))) {
      return this.#onAbsence(nowMs, signs);
    }
    if (this.#away && signs.modelReady) return this.#onPresence(nowMs);
    if (this.#rung !== RUNG.FLOOR) {
      const worse = this.#worse(nowMs);
      if (worse !== undefined) {
        if (this.#rung === RUNG.MODEL && settleOtherwise(worse.reason)) {
          this.restart();
          return undefined;
        }
        return this.#demote(nowMs, this.#rung === RUNG.MODEL ? RUNG.ESTIMATOR : RUNG.FLOOR, worse);
      }
    }
    const trouble = this.#trouble(signs);
    if (this.#rung === RUNG.MODEL) {
      return trouble === undefined ? undefined : this.#demote(nowMs, RUNG.ESTIMATOR, trouble);
    }
    if (this.#rung === RUNG.FLOOR) return this.#climbFromFloor(nowMs);
    return this.#climbFromEstimator(nowMs, signs, trouble);
  }

  /** The model server gives no tables: the contract's fallback, from wherever we are. */
  #onAbsence(nowMs: number, { remote, modelProblem }: GuardrailSigns): GuardrailEvent | undefined {
    this.#backMs = Number.POSITIVE_INFINITY;
    if (remote && this.#rung === RUNG.MODEL) this.#away = true;
    if (this.#rung === RUNG.FLOOR) return this.#wait(nowMs);
    const why = modelProblem ? `: ${modelProblem}` : "";
    const finding = { reason: `the remote model is unavailable${why}`, numbers: {} };
    // Its absence is nobody's fault but the server's, and shows by itself: it is no strike.
    return this.#away ? this.#move(nowMs, "demoted", RUNG.FLOOR, finding) : this.#demote(nowMs, RUNG.FLOOR, finding);
  }

  /** It is there again: what it was when it went away it still is. */
  #onPresence(nowMs: number): GuardrailEvent | undefined {
    this.#backMs = Math.min(this.#backMs, nowMs);
    if (nowMs - this.#backMs < this.#options.backMs) return undefined;
    this.#heldUntilMs = nowMs;
    return this.#move(nowMs, "recovered", RUNG.MODEL, { reason: "the remote model answers again", numbers: {} });
  }

  /** Somebody judged the model bad: one rung down. */
  demote(nowMs: number, reason: string, numbers: Readonly<Record<string, number>>): GuardrailEvent {
    return this.#demote(nowMs, RUNG.ESTIMATOR, { byOutcomes: true, reason, numbers });
  }

  /** Another model was promoted while the estimator served: it takes over without probation, its canary was one. */
  returnToModel(nowMs: number, reason: string): GuardrailEvent {
    return this.#move(nowMs, "recovered", RUNG.MODEL, { reason, numbers: {} });
  }

  /** Why the policy that serves is worse than the one below. */
  #worse(nowMs: number): Finding | undefined {
    const { veryBad } = this.#options;
    const surely = this.#evidence.value >= this.#threshold;
    const quickly = this.#logEvidence.value >= this.#threshold;
    if (!surely && !quickly) return undefined;
    const seen = this.summary(nowMs);
    // Logarithms play down the tail: they only decide when the mean itself is far off.
    const veryBadNow = seen.relative >= veryBad && seen.difference >= 2 * seen.standardError;
    if (!surely && !veryBadNow) return undefined;
    const below = RUNG_NAMES[this.#rung + 1];
    const [evidence, window] = [this.#evidence.value.toPrecision(2), this.#options.windowMs / 1000];
    // Evidence gathers for longer than the window, which may look harmless.
    const shown = surely ? `evidence ${Number(evidence)}, ${this.#threshold} is enough; ` : "";
    return {
      byOutcomes: true,
      reason: `${RUNG_NAMES[this.#rung]} is worse than ${below}: ${shown}in the last ${window} s ${describe(seen)}`,
      numbers: { ...figures(seen), evidence: this.#evidence.value, logEvidence: this.#logEvidence.value },
    };
  }

  /** Why the model cannot serve, whatever its outcomes. */
  #trouble(signs: GuardrailSigns): Finding | undefined {
    if (!signs.modelReady) return { reason: "there is no model", numbers: {} };
    if (signs.modelFaults > 0) {
      return {
        reason: signs.modelProblem || `the model gave ${signs.modelFaults} scores that are no numbers`,
        numbers: { modelFaults: signs.modelFaults },
      };
    }
    if (this.#isStale(signs)) {
      return {
        reason:
          signs.modelProblem ||
          `the score table is ${Math.round(signs.tableAgeMs)} ms old, ${this.#options.tableAgeMs} ms are allowed`,
        numbers: { tableAgeMs: signs.tableAgeMs },
      };
    }
    if (signs.drift?.drifted) {
      const numbers: Record<string, number> = {};
      for (const { name, shift, beyondShare, unknownShare } of signs.drift.features) {
        numbers[`shift_${name}`] = shift;
        numbers[`beyond_${name}`] = beyondShare;
        numbers[`unknown_${name}`] = unknownShare;
      }
      return { reason: signs.drift.reason, numbers };
    }
    return undefined;
  }

  #isStale({ tableAgeMs }: GuardrailSigns): boolean {
    return !(tableAgeMs <= this.#options.tableAgeMs);
  }

  #climbFromFloor(nowMs: number): GuardrailEvent | undefined {
    if (nowMs < this.#heldUntilMs) return undefined;
    const event = this.#move(nowMs, "recovered", RUNG.ESTIMATOR, { reason: "held long enough", numbers: {} });
    this.#heldUntilMs = nowMs + this.#options.holdMs;
    return event;
  }

  #climbFromEstimator(nowMs: number, signs: GuardrailSigns, trouble: Finding | undefined): GuardrailEvent | undefined {
    if (trouble !== undefined) {
      return this.#probation === undefined ? this.#wait(nowMs) : this.#endProbation(nowMs, trouble);
    }
    if (signs.canaryBusy) {
      this.#probation = undefined;
      return undefined;
    }
    if (this.#probation !== undefined) {
      const finding = this.#probation.tick(nowMs);
      if (finding === undefined) return undefined;
      const found = { ...finding, byOutcomes: true };
      return finding.good ? this.#move(nowMs, "recovered", RUNG.MODEL, found) : this.#endProbation(nowMs, found);
    }
    if (nowMs < this.#heldUntilMs) return undefined;
    this.#probation = new Probation(this.#options, this.#comparisonOptions, nowMs);
    const share = this.#options.probationShare;
    return event(nowMs, "probation_started", this.#rung, this.#rung, {
      reason: `the model gets ${share * 100} % of requests on probation`,
      numbers: { share },
    });
  }

  #endProbation(nowMs: number, finding: Finding): GuardrailEvent {
    this.#probation = undefined;
    const holdMs = this.#hold(nowMs);
    const numbers = { ...finding.numbers, holdMs };
    return event(nowMs, "probation_failed", this.#rung, this.#rung, { ...finding, numbers });
  }

  #demote(nowMs: number, to: Rung, finding: Finding): GuardrailEvent {
    const holdMs = this.#hold(nowMs);
    return this.#move(nowMs, "demoted", to, { ...finding, numbers: { ...finding.numbers, holdMs } });
  }

  #move(nowMs: number, kind: GuardrailEvent["kind"], to: Rung, finding: Finding): GuardrailEvent {
    const from = this.#rung;
    this.#rung = to;
    if (to === RUNG.MODEL || finding.byOutcomes) this.#away = false;
    this.#probation = undefined;
    this.#goodSinceMs = nowMs;
    this.restart();
    return event(nowMs, kind, from, to, finding);
  }

  #hold(nowMs: number): number {
    const { holdMs, longestHoldMs } = this.#options;
    const lengthMs = Math.min(holdMs * 2 ** Math.min(this.#strikes, 30), longestHoldMs);
    this.#strikes++;
    this.#heldUntilMs = nowMs + lengthMs;
    return lengthMs;
  }

  /** The trouble lasts: the hold begins when it has gone, but not shorter than it was to be. */
  #wait(nowMs: number): undefined {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, nowMs + this.#options.holdMs);
    return undefined;
  }

  #forgive(nowMs: number, { modelReady }: GuardrailSigns): void {
    const top = modelReady ? RUNG.MODEL : RUNG.ESTIMATOR;
    if (this.#rung === top && nowMs - this.#goodSinceMs >= this.#options.forgiveMs) this.#strikes = 0;
  }
}

function event(
  atMs: number,
  kind: GuardrailEvent["kind"],
  from: Rung,
  to: Rung,
  { byOutcomes = false, reason, numbers }: Finding,
): GuardrailEvent {
  return { atMs, kind, from, to, byOutcomes, reason, numbers: finiteNumbers(numbers) };
}

/** Within a tenth of the fleet's mean all is alike: what is that fast is no merit of the policy. */
function logCost(cost: number): number {
  return Math.log(Math.max(cost, 0.1));
}
