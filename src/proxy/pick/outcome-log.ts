/**
 * What a worker tells the learner of how attempts end, whatever the strategy: all that features are made from. Who keeps samples
 * under another strategy than `ml` needs no more than this.
 */
import { Standstills } from "../../balancing/standstills.ts";
import { WORK_UNIT } from "../../shared/memory/layout/classes.ts";
import { OUTCOME_ROWS, OutcomeWord, type WorkerRings, WorkWord } from "../../shared/memory/layout/learning.ts";
import { RingWriter } from "../../shared/memory/ring.ts";
import { type AttemptOutcome, type EndConsumer, failedSinceHead, type HeadConsumer } from "../outcome.ts";

/** An attempt that ended. */
export type EndedAttempt = Pick<
  AttemptOutcome,
  | "slot"
  | "serverId"
  | "dispatchedMs"
  | "inFlightAtDispatch"
  | "transferringAtDispatch"
  | "decision"
  | "template"
  | "parentTemplate"
  | "work"
  | "othersWork"
  | "status"
>;

/** Writes the rings of outcomes, and of the work behind them, of one worker. */
export class OutcomeWriter implements HeadConsumer, EndConsumer {
  readonly #outcomes: RingWriter;
  readonly #work: RingWriter;
  readonly #clockOffsetMs: number;
  readonly #standstills: Standstills;

  /**
   * @param clockOffsetMs added to the worker's clock it gives the boot clock (boot-clock.ts).
   * @param standstills of this worker, on its clock; left out = it has none.
   */
  constructor(
    { outcomes, work }: Pick<WorkerRings, "outcomes" | "work">,
    clockOffsetMs: number,
    standstills: Standstills = new Standstills(),
  ) {
    this.#standstills = standstills;
    this.#outcomes = new RingWriter(outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH);
    this.#work = new RingWriter(work, OUTCOME_ROWS, WorkWord.LENGTH);
    this.#clockOffsetMs = clockOffsetMs;
  }

  onHead(outcome: AttemptOutcome, nowMs: number): void {
    this.ended(outcome, outcome.headFailed, nowMs, outcome.number === 1 ? outcome.heldMs : 0);
  }

  onEnd(outcome: AttemptOutcome, nowMs: number): void {
    if (failedSinceHead(outcome)) this.ended(outcome, true, nowMs, outcome.number === 1 ? outcome.heldMs : 0);
  }

  /**
   * An attempt ended with a complete response head, or without one (`failed`). One cut off later ends a second time.
   * @param heldMs see `OutcomeWord.HELD`.
   */
  ended(attempt: EndedAttempt, failed: boolean, nowMs: number, heldMs = 0): void {
    const { words, floats, figures } = this.#outcomes.ring;
    const at = this.#outcomes.next();
    words[at + OutcomeWord.DECISION] = attempt.decision;
    words[at + OutcomeWord.SLOT] = attempt.slot;
    words[at + OutcomeWord.SERVER] = attempt.serverId;
    words[at + OutcomeWord.IN_FLIGHT] = attempt.inFlightAtDispatch;
    words[at + OutcomeWord.FAILED] = failed ? 1 : 0;
    floats[at + OutcomeWord.HELD] = heldMs;
    figures[(at + OutcomeWord.LATENCY) >> 1] =
      nowMs - attempt.dispatchedMs - this.#standstills.lostSince(attempt.dispatchedMs);
    figures[(at + OutcomeWord.TIME) >> 1] = nowMs + this.#clockOffsetMs;
    words[at + OutcomeWord.TRANSFERRING] = attempt.transferringAtDispatch;
    words[at + OutcomeWord.WORK] = attempt.work > 0 ? this.#expected(attempt) : 0;
    this.#outcomes.commit();
  }

  /** @returns the number of the record of what it was expected to cost. */
  #expected({ template, parentTemplate, work, othersWork, status }: EndedAttempt): number {
    const { words, floats } = this.#work.ring;
    const at = this.#work.next();
    // What a server refuses says nothing of what such requests cost, and is what anybody can ask for.
    const isUsual = status < 400 || status >= 500;
    words[at + WorkWord.TEMPLATE] = isUsual ? template : 0;
    words[at + WorkWord.PARENT_TEMPLATE] = isUsual ? parentTemplate : 0;
    floats[at + WorkWord.OWN] = work / WORK_UNIT;
    floats[at + WorkWord.OTHERS] = othersWork;
    return this.#work.commit();
  }
}
