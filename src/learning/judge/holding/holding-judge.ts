/** Whether requests are held: what holding them costs is compared with not holding them, all the time. */
import { FleetMean } from "../../../balancing/estimators/fleet-mean.ts";
import { isObservable, LEAST_LATENCY_MS } from "../../../balancing/estimators/latency-estimator.ts";
import { describe, figures } from "../../../evidence/describe.ts";
import { SequentialEvidence } from "../../../evidence/sequential-evidence.ts";
import { type Finding, failed, passed } from "../finding.ts";
import { Hold } from "../guardrail/hold.ts";
import { HOLDING_JUDGE_DEFAULTS, type HoldingJudgeOptions } from "./options.ts";
import { Slices, type WholeOutcome } from "./slices.ts";

/** A change of what is done. */
export interface HoldingEvent {
  readonly atMs: number;
  readonly kind: "holding_stopped" | "holding_probation_started" | "holding_probation_failed" | "holding_resumed";
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** What survives a restart. Durations, because clocks may not. */
export interface HoldingState {
  /** Holding was turned off by evidence. */
  readonly stopped: boolean;
  readonly holdLeftMs: number;
  readonly strikes: number;
}

/** Requests may be held; they may not; it is tried out whether they may again. */
type Phase = "holding" | "stopped" | "probation";

/** Nothing has been turned off. */
export const FRESH_HOLDING: HoldingState = Object.freeze({ stopped: false, holdLeftMs: 0, strikes: 0 });

/** How long latencies count for the mean by which costs are measured, milliseconds: longer than the slices. */
const MEAN_MS = 60_000;
/** Evidence begins anew all the time, so that a change is noticed soon after it comes. */
const RESTARTING = { claim: "worse", startWeight: 0, bucketWeight: 1 } as const;
const FROM_THE_START = { claim: "worse", startWeight: 1, bucketWeight: 0 } as const;

/**
 * The guardrail of holding. A share of the time nothing is held (`Slices`); when holding is worse with evidence for it, it
 * is turned off, and comes back as a model does: after 10 s, 20 s, … 10 min, through a probation in which it has half of the
 * time. While it is suspected, half of the time is without it, so that it is soon known.
 *
 * The caller publishes `holding` as often as it ticks, tells it of every attempt with the time for which it was held, and calls
 * it only while there are limits.
 */
export class HoldingJudge {
  readonly #options: HoldingJudgeOptions;
  readonly #random: () => number;
  /** Of the whole time, and of the part at the servers. */
  readonly #wholeMs = new FleetMean(MEAN_MS);
  readonly #latencyMs = new FleetMean(MEAN_MS);
  readonly #hold: Hold;
  #phase: Phase;
  #evidence!: SequentialEvidence;
  #slices!: Slices;
  #blocks = 0;
  #goodSinceMs: number;

  /** @param random uniform in [0, 1). */
  constructor(
    random: () => number,
    nowMs: number,
    state: HoldingState = FRESH_HOLDING,
    options: HoldingJudgeOptions = HOLDING_JUDGE_DEFAULTS,
  ) {
    this.#options = options;
    this.#random = random;
    this.#hold = new Hold(options, nowMs, state.strikes, state.holdLeftMs);
    this.#phase = state.stopped ? "stopped" : "holding";
    this.#goodSinceMs = nowMs;
    this.#compare(nowMs);
  }

  /** Whether requests may be held now: also false for moments, for comparison. */
  get holding(): boolean {
    return this.#phase !== "stopped" && (this.#slices.held ?? this.#phase === "holding");
  }

  /** Whether evidence has turned it off. On probation it still is. */
  get stopped(): boolean {
    return this.#phase !== "holding";
  }

  /** What to keep for the next start. */
  state(nowMs: number): HoldingState {
    return { stopped: this.stopped, holdLeftMs: this.#hold.leftMs(nowMs), strikes: this.#hold.strikes };
  }

  /** A request ended: its last attempt, or its only one. */
  observe(outcome: WholeOutcome): void {
    const { arrivedMs, heldMs, latencyMs } = outcome;
    const wholeMs = heldMs + latencyMs;
    if (!(isObservable(wholeMs, arrivedMs) && heldMs >= 0 && latencyMs >= 0)) return;
    const endedMs = arrivedMs + wholeMs;
    this.#latencyMs.observe(Math.max(latencyMs, LEAST_LATENCY_MS), endedMs);
    this.#wholeMs.observe(Math.max(wholeMs, LEAST_LATENCY_MS), endedMs);
    if (this.#phase !== "stopped") this.#slices.observe(outcome, this.#wholeMs.read());
  }

  /**
   * Moves time on; call it as often as limits are published.
   * @param waiting requests of the pool that are held now, over all workers.
   */
  tick(nowMs: number, waiting: number): HoldingEvent | undefined {
    if (this.#phase === "stopped") return this.#hold.isOver(nowMs) ? this.#tryAgain(nowMs) : undefined;
    const doubt = this.#phase === "probation" || this.#evidence.value >= this.#options.doubt;
    if (!this.#slices.tick(nowMs, waiting, this.#latencyMs.read(), doubt)) return undefined;
    this.#blocks++;
    return this.#phase === "probation" ? this.#judgeProbation(nowMs) : this.#judge(nowMs);
  }

  #judge(nowMs: number): HoldingEvent | undefined {
    const { enough, forgiveMs } = this.#options;
    if (this.#evidence.value < enough) {
      if (nowMs - this.#goodSinceMs >= forgiveMs) this.#hold.forgive();
      return undefined;
    }
    return this.#stop(
      nowMs,
      "holding_stopped",
      failed(`requests fare worse when they are held: ${this.#shown(nowMs)}`, this.#numbers(nowMs)),
    );
  }

  #judgeProbation(nowMs: number): HoldingEvent | undefined {
    const { probationBlocks, probationError, tolerance } = this.#options;
    const seen = this.#slices.summary(nowMs);
    const worse = this.#evidence.value * probationError >= 1;
    if (!worse && this.#blocks < probationBlocks) return undefined;
    // One standard error of doubt is its own: what it hides, the guardrail will find.
    if (worse || seen.difference - seen.standardError > tolerance * seen.referenceMean) {
      return this.#stop(
        nowMs,
        "holding_probation_failed",
        failed(`still worse: ${this.#shown(nowMs)}`, this.#numbers(nowMs)),
      );
    }
    const found = passed(`not worse on probation: ${this.#shown(nowMs)}`, this.#numbers(nowMs));
    this.#enter("holding", nowMs);
    return event(nowMs, "holding_resumed", found);
  }

  #tryAgain(nowMs: number): HoldingEvent {
    this.#enter("probation", nowMs);
    return event(nowMs, "holding_probation_started", passed("requests are held half of the time, on probation"));
  }

  #stop(nowMs: number, kind: HoldingEvent["kind"], found: Finding): HoldingEvent {
    const holdMs = this.#hold.strike(nowMs);
    this.#enter("stopped", nowMs);
    return event(nowMs, kind, { ...found, numbers: { ...found.numbers, holdMs } });
  }

  #enter(phase: Phase, nowMs: number): void {
    this.#phase = phase;
    this.#goodSinceMs = nowMs;
    this.#compare(nowMs);
  }

  #compare(nowMs: number): void {
    const { bets } = this.#options;
    this.#evidence = new SequentialEvidence({ ...(this.#phase === "probation" ? FROM_THE_START : RESTARTING), bets });
    this.#slices = new Slices(this.#options, this.#random, nowMs, [this.#evidence]);
    this.#blocks = 0;
  }

  #shown(nowMs: number): string {
    return `${describe(this.#slices.summary(nowMs))}, each a slice of time`;
  }

  #numbers(nowMs: number): Record<string, number> {
    return { ...figures(this.#slices.summary(nowMs)), evidence: this.#evidence.value };
  }
}

function event(atMs: number, kind: HoldingEvent["kind"], { reason, numbers }: Finding): HoldingEvent {
  return { atMs, kind, reason, numbers };
}
