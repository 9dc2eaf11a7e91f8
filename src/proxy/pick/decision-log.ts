/** What a worker tells the learner while the strategy is `ml`: how each attempt was placed, and how it ended. */
import type { Standstills } from "../../balancing/standstills.ts";
import type { Decision, DecisionLog } from "../../balancing/strategy.ts";
import {
  DECISION_CANDIDATES,
  DECISION_ROWS,
  DecisionArm,
  DecisionWord,
  packCandidate,
  unpackCandidate,
  type WorkerRings,
} from "../../shared/memory/layout/learning.ts";
import type { ServerTable } from "../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { hashRequestId } from "../../shared/memory/request-id-hash.ts";
import { RingWriter } from "../../shared/memory/ring.ts";
import type { AttemptOutcome, EndConsumer, HeadConsumer } from "../outcome.ts";
import { type EndedAttempt, OutcomeWriter } from "./outcome-log.ts";

/** Writes the rings of one worker. */
export class DecisionWriter implements DecisionLog, HeadConsumer, EndConsumer {
  readonly #decisions: RingWriter;
  readonly #outcomes: OutcomeWriter;
  readonly #servers: Pick<ServerTable, "id" | "inFlight">;
  readonly #counters: Float64Array;
  readonly #clockOffsetMs: number;
  readonly #requestId = new Int32Array(4);
  #last = 0;
  /** Where the last one is in the ring: it is not written over before the next. */
  #lastAt = 0;
  /** The last decision's arm and rung, as `DecisionWord.ARM` has them, and its table. */
  #arm = 0;
  #table = 0;

  /**
   * @param counters the worker's.
   * @param clockOffsetMs added to the worker's clock it gives the boot clock (boot-clock.ts).
   * @param standstills of this worker, on its clock; left out = it has none.
   */
  constructor(
    rings: WorkerRings,
    servers: Pick<ServerTable, "id" | "inFlight">,
    counters: Float64Array,
    clockOffsetMs: number,
    standstills?: Standstills,
  ) {
    this.#decisions = new RingWriter(rings.decisions, DECISION_ROWS, DecisionWord.LENGTH);
    this.#outcomes = new OutcomeWriter(rings, clockOffsetMs, standstills);
    this.#servers = servers;
    this.#counters = counters;
    this.#clockOffsetMs = clockOffsetMs;
  }

  /** Number of the last decision. */
  get last(): number {
    return this.#last;
  }

  /** Its `DecisionArm` + 256 × its `Rung`. */
  get lastArm(): number {
    return this.#arm;
  }

  /** The score of the server that it chose; NaN = there are none. */
  get lastScore(): number {
    const { words, floats } = this.#decisions.ring;
    const at = this.#lastAt;
    if (this.#table === 0) return Number.NaN;
    const kept = Math.min(words[at + DecisionWord.COUNT], DECISION_CANDIDATES);
    for (let i = 0, from = at + DecisionWord.CANDIDATES; i < kept; i++, from += 2) {
      if (unpackCandidate(words[from]).slot === words[at + DecisionWord.SLOT]) return floats[from + 1];
    }
    return Number.NaN;
  }

  /** For which request the decisions that follow are: its id, in `bytes[start … end)`. */
  setRequest(bytes: Buffer, start: number, end: number): void {
    hashRequestId(bytes, start, end, this.#requestId, 0);
  }

  record(decision: Decision): void {
    const { slot, arm, table, candidates, count, loads, scores } = decision;
    const { inFlight, id } = this.#servers;
    const { words, floats, figures } = this.#decisions.ring;
    const requestId = this.#requestId;
    const at = this.#decisions.next();
    this.#lastAt = at;
    words[at] = requestId[0];
    words[at + 1] = requestId[1];
    words[at + 2] = requestId[2];
    words[at + 3] = requestId[3];
    words[at + DecisionWord.SLOT] = slot;
    words[at + DecisionWord.SERVER] = id[slot];
    this.#arm = arm | (decision.rung << 8);
    this.#table = table;
    words[at + DecisionWord.ARM] = this.#arm;
    words[at + DecisionWord.TABLE] = table;
    figures[(at + DecisionWord.TIME) >> 1] = decision.nowMs + this.#clockOffsetMs;
    floats[at + DecisionWord.PROPENSITY] = decision.propensity;
    words[at + DecisionWord.COUNT] = count;
    const kept = Math.min(count, DECISION_CANDIDATES);
    if (table !== 0) {
      for (let i = 0, to = at + DecisionWord.CANDIDATES; i < kept; i++, to += 2) {
        words[to] = loads[i];
        floats[to + 1] = scores[i];
      }
    } else {
      for (let i = 0, to = at + DecisionWord.CANDIDATES; i < kept; i++, to += 2) {
        words[to] = packCandidate(candidates[i], inFlight[candidates[i]], 0);
        floats[to + 1] = 0;
      }
    }
    if (count > kept) this.#keepChosen(decision, at + DecisionWord.CANDIDATES + 2 * (kept - 1));
    this.#counters[WorkerCounter.DECISIONS + arm]++;
    this.#last = this.#decisions.commit();
  }

  /**
   * The last decision stands: the attempt goes to the server that it chose.
   * @param first it is the request's first attempt.
   */
  placed(first: boolean): void {
    if (this.#table !== 0) {
      if (first) this.#counters[WorkerCounter.ML_PREDICTED]++;
      return;
    }
    const arm = this.#arm & 0xff;
    // What is compared, and whom nobody chose, is where it is on purpose.
    if (arm === DecisionArm.CHAMPION || arm === DecisionArm.CANARY) this.#counters[WorkerCounter.ML_FALLBACKS]++;
  }

  onHead(outcome: AttemptOutcome, nowMs: number): void {
    if (outcome.decision !== 0) this.#outcomes.onHead(outcome, nowMs);
  }

  onEnd(outcome: AttemptOutcome, nowMs: number): void {
    if (outcome.decision !== 0) this.#outcomes.onEnd(outcome, nowMs);
  }

  /** See `OutcomeWriter.ended`. */
  ended(attempt: EndedAttempt, failed: boolean, nowMs: number): void {
    this.#outcomes.ended(attempt, failed, nowMs);
  }

  /** The server that was chosen stands last when it is among those that found no room. */
  #keepChosen({ slot, table, candidates, count, loads, scores }: Decision, at: number): void {
    const { words, floats } = this.#decisions.ring;
    const scored = table !== 0;
    for (let i = DECISION_CANDIDATES; i < count; i++) {
      if (candidates[i] !== slot) continue;
      words[at] = scored ? loads[i] : packCandidate(slot, this.#servers.inFlight[slot], 0);
      floats[at + 1] = scored ? scores[i] : 0;
    }
  }
}
