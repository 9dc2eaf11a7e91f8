/** A model on trial on live traffic: canary, probation and watch are this with a rule each. */
import { ArmComparison, type ArmComparisonOptions } from "../../../evidence/arm-comparison.ts";
import type { ArmSummary } from "../../../evidence/bucket-sums.ts";
import { describe, figures } from "../../../evidence/describe.ts";
import { type EvidenceOptions, SequentialEvidence } from "../../../evidence/sequential-evidence.ts";
import { type Finding, failed, passed } from "../finding.ts";

/** Evidence for a claim about the subject, against one of the two arms beside it. */
export interface Claim extends EvidenceOptions {
  readonly against: "reference" | "control";
}

/** What a rule decides by. */
export interface Seen<Name extends string = string> {
  /** The subject against the reference. */
  readonly reference: ArmSummary;
  /** The subject against the policy one rung below. */
  readonly control: ArmSummary;
  /** What the bets on each claim have won. */
  readonly evidence: Readonly<Record<Name, number>>;
  /** Since the trial began, milliseconds. */
  readonly ageMs: number;
  /** Since what was seen counts, milliseconds. */
  readonly comparedMs: number;
}

/** How a trial ends. */
export interface Ending {
  readonly passed: boolean;
  /** What the comparison shows, before its figures: `better:`. */
  readonly words: string;
  /** The comparison that decided. */
  readonly by: ArmSummary;
}

/** What makes a trial a canary, a probation or a watch. */
export interface TrialRule<Name extends string = string> {
  /** How far summaries reach back, milliseconds; never further than `ArmComparison` remembers. */
  readonly windowMs: number;
  /** By the name under which their evidence stands in the numbers of a finding. */
  readonly claims: Readonly<Record<Name, Claim>>;
  /** What else stands there. */
  readonly numbers?: Readonly<Record<string, number>>;
  /** `undefined` = the trial goes on. */
  decide(seen: Seen<Name>): Ending | undefined;
}

/** Costs come in by arm; once a second the rule is asked whether they are enough. */
export class Trial {
  readonly #options: ArmComparisonOptions;
  readonly #startedMs: number;
  #rule!: TrialRule;
  #comparedSinceMs!: number;
  #evidence!: Readonly<Record<string, SequentialEvidence>>;
  #reference!: ArmComparison;
  #control!: ArmComparison;

  /** @param startedMs earlier than now when it goes on after a restart. */
  constructor(rule: TrialRule, options: ArmComparisonOptions, nowMs: number, startedMs: number = nowMs) {
    this.#options = options;
    this.#startedMs = startedMs;
    this.#compare(rule, nowMs);
  }

  /** An outcome of the model on trial. */
  observeSubject(cost: number): void {
    this.#reference.observeSubject(cost);
    this.#control.observeSubject(cost);
  }

  /** An outcome of what it is held against. */
  observeReference(cost: number): void {
    this.#reference.observeReference(cost);
  }

  /** An outcome of the control arm. */
  observeControl(cost: number): void {
    this.#control.observeReference(cost);
  }

  /** What it is held against has changed: what was seen is void. The time that it may take goes on. */
  restart(nowMs: number): void {
    this.#compare(this.#rule, nowMs);
  }

  /** Something else is asked of it: what was seen is void, because evidence cannot be weighed by another measure. */
  follow(rule: TrialRule, nowMs: number): void {
    if (rule !== this.#rule) this.#compare(rule, nowMs);
  }

  /** Moves time on; call it about once a second. `undefined` = the trial goes on. */
  tick(nowMs: number): Finding | undefined {
    this.#reference.advance(nowMs);
    this.#control.advance(nowMs);
    const seen = this.seen(nowMs);
    const ending = this.#rule.decide(seen);
    if (ending === undefined) return undefined;
    const numbers = { ...figures(ending.by), ...this.#rule.numbers, ...seen.evidence };
    return (ending.passed ? passed : failed)(`${ending.words} ${describe(ending.by)}`, numbers);
  }

  /** What has come together by now. */
  seen(nowMs: number): Seen {
    const { windowMs } = this.#rule;
    return {
      reference: this.#reference.summary(nowMs, windowMs),
      control: this.#control.summary(nowMs, windowMs),
      evidence: Object.fromEntries(Object.entries(this.#evidence).map(([name, { value }]) => [name, value])),
      ageMs: nowMs - this.#startedMs,
      comparedMs: nowMs - this.#comparedSinceMs,
    };
  }

  #compare(rule: TrialRule, nowMs: number): void {
    this.#rule = rule;
    this.#comparedSinceMs = nowMs;
    const claims = Object.entries(rule.claims).map(([name, claim]) => {
      return { name, against: claim.against, evidence: new SequentialEvidence(claim) };
    });
    const against = (arm: Claim["against"]) =>
      claims.filter((claim) => claim.against === arm).map(({ evidence }) => evidence);
    this.#evidence = Object.fromEntries(claims.map(({ name, evidence }) => [name, evidence]));
    this.#reference = new ArmComparison(this.#options, against("reference"));
    this.#control = new ArmComparison(this.#options, against("control"));
  }
}

/** Significant: one of a harmless model would come so far with that probability at most. */
export function isShown(evidence: number, error: number): boolean {
  return evidence * error >= 1;
}
