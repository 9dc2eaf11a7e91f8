/**
 * One canary: what it is doing, and what is to become of it. A state machine with the clock passed in; who carries out what it
 * wants is `canaries.ts`.
 *
 *   running ──verdict, auto──► the next step: running anew · promoted · rolled_back
 *      │  ▲
 *      │  └─ an operator changes it
 *      └──verdict, not auto──► waiting ──an operator──► promoted · rolled_back
 *   whatever takes its override away otherwise ──► ended
 */
import { type CanaryTerms, nextStep } from "../../shared/operations/canary.ts";
import type { OverrideOf } from "../../shared/operations/override.ts";
import type { ArmCounts } from "./arm-counts.ts";
import type { Assignment } from "./assignment.ts";
import { type ArmFigures, CanaryComparison, type Evidence } from "./comparison.ts";
import { type CanaryFinding, type CanaryVerdict, judgeStep } from "./rule.ts";

/** What it is doing. The last three are ends. */
export const CANARY_STATES = ["running", "waiting", "promoted", "rolled_back", "ended"] as const;
/** One of them. */
export type CanaryState = (typeof CANARY_STATES)[number];
/** How it may end. */
export type CanaryEnd = Exclude<CanaryState, "running" | "waiting">;

/** What is to be done now. */
export interface CanaryAct {
  readonly kind: "advance" | "promote" | "roll_back";
  /** What share the pool under trial has then, percent. */
  readonly percent: number;
  readonly why: string;
}

/** What is seen at one look. */
export interface CanaryView {
  /** What has ended since the last one. */
  readonly canary: ArmCounts;
  readonly stable: ArmCounts;
  /** A server of the pool under trial is up. */
  readonly usable: boolean;
}

/** A canary that is none (its pools cost the same) is rolled back with this probability at most, over all its steps. */
const HARM_ERROR = 0.05;
/** One that costs more than is tolerated gets past a step on evidence with this probability at most. */
const NO_WORSE_ERROR = 0.05;
/** Where clients are assigned, so many of their requests count as one. */
const CLIENT_REQUESTS = 10;

/** One. */
export class Canary {
  readonly route: string;
  readonly assignment: Assignment;
  #override: OverrideOf<"canary">;
  #comparison: CanaryComparison;
  #state: CanaryState = "running";
  #finding: CanaryFinding = { verdict: null, sentence: "has begun" };
  /** When its share was last changed or its evidence begun anew, milliseconds since the epoch. */
  #stepMs: number;
  #unusableSinceMs: number | null = null;

  /** @param nowMs monotonic. @param wallMs since the epoch. */
  constructor(override: OverrideOf<"canary">, assignment: Assignment, nowMs: number, wallMs: number) {
    this.route = override.target.route;
    this.assignment = assignment;
    this.#override = override;
    this.#comparison = this.#compare(nowMs);
    this.#stepMs = wallMs;
  }

  get terms(): CanaryTerms {
    return this.#override.value;
  }

  /** That which makes it. */
  get override(): OverrideOf<"canary"> {
    return this.#override;
  }

  get state(): CanaryState {
    return this.#state;
  }

  get isLive(): boolean {
    return this.#state === "running" || this.#state === "waiting";
  }

  get verdict(): CanaryVerdict | null {
    return this.#finding.verdict;
  }

  /** What there is to say of it, without its name. */
  get sentence(): string {
    return this.#finding.sentence;
  }

  get stepMs(): number {
    return this.#stepMs;
  }

  get evidence(): Evidence {
    return this.#comparison.evidence;
  }

  get figures(): { readonly canary: ArmFigures; readonly stable: ArmFigures; readonly relative: number } {
    const { canary, stable, summary } = this.#comparison;
    return { canary, stable, relative: summary.relative };
  }

  /** What it wants done with what was found: on its own if `auto`, and asked for if not. `null` = nothing. */
  get advice(): CanaryAct | null {
    const { verdict, sentence: why } = this.#finding;
    if (!this.isLive || verdict === null) return null;
    if (verdict !== "no_worse") return { kind: "roll_back", percent: 0, why };
    const next = nextStep(this.terms);
    // With all the requests there is nothing left to be compared with.
    const isLast = next === null || next === 100;
    return { kind: isLast ? "promote" : "advance", percent: next ?? this.terms.percent, why };
  }

  /** About once a second. @returns whether there is a verdict that was not there before. @param nowMs monotonic. */
  look({ canary, stable, usable }: CanaryView, nowMs: number): boolean {
    if (!this.isLive) return false;
    this.#comparison.add(canary, stable, nowMs);
    this.#unusableSinceMs = usable ? null : (this.#unusableSinceMs ?? nowMs);
    const { verdict: before } = this.#finding;
    const unusableMs = this.#unusableSinceMs === null ? 0 : nowMs - this.#unusableSinceMs;
    const { evidence, summary, canary: own, stable: others, ageMs } = this.#comparison;
    const found = judgeStep(this.terms, { evidence, summary, canary: own, stable: others, ageMs, unusableMs });
    // What was found stays until something is done about it; only what is worse comes on top.
    if (before !== null && (found.verdict === null || found.verdict === "no_worse" || before !== "no_worse"))
      return false;
    this.#finding = found;
    if (found.verdict === null) return false;
    if (!this.terms.auto) this.#state = "waiting";
    return true;
  }

  /** It was changed. Another share, or other terms of the comparison, begin the evidence anew. */
  change(override: OverrideOf<"canary">, nowMs: number, wallMs: number): void {
    const before = this.terms;
    this.#override = override;
    const { percent, tolerance, maxDurationMs, steps, auto } = override.value;
    const isSame =
      percent === before.percent &&
      tolerance === before.tolerance &&
      maxDurationMs === before.maxDurationMs &&
      steps.length === before.steps.length;
    if (isSame) {
      this.#state = auto || this.#finding.verdict === null ? "running" : "waiting";
      return;
    }
    this.#comparison = this.#compare(nowMs);
    this.#stepMs = wallMs;
    this.#state = "running";
    this.#finding = { verdict: null, sentence: "has begun a step" };
    this.#unusableSinceMs = null;
  }

  /** It is over. @param sentence why; left out = what was found last. */
  end(state: CanaryEnd, sentence = this.#finding.sentence): void {
    this.#state = state;
    this.#finding = { verdict: this.#finding.verdict, sentence };
  }

  #compare(nowMs: number): CanaryComparison {
    const { tolerance, maxDurationMs, steps } = this.terms;
    return new CanaryComparison(
      {
        tolerance,
        maxDurationMs,
        harmError: HARM_ERROR / Math.max(1, steps.length),
        noWorseError: NO_WORSE_ERROR,
        clusterSize: this.assignment === "client" ? CLIENT_REQUESTS : 1,
      },
      nowMs,
    );
  }
}
