/**
 * What is taken down of a request's attempts while it is under way, so that it can be explained: how each came about, and how it
 * ended. An object serves many requests, one after the other; when the request is over, `ExplainWriter` has it.
 */
import type { Choice, Scale } from "../../../balancing/choice.ts";
import { failureIndex } from "../../../shared/failure-codes.ts";
import { WORK_UNIT } from "../../../shared/memory/layout/classes.ts";
import {
  EXPLAIN_ATTEMPT_WORDS,
  EXPLAIN_ATTEMPTS,
  ExplainAttemptFlag,
  ExplainAttemptWord,
  ExplainCandidateWord,
  Ineligible,
} from "../../../shared/memory/layout/explain.ts";
import type { TraceAttemptKind } from "../../../shared/memory/layout/tracing.ts";
import type { AttemptOutcome } from "../../outcome.ts";

/** An attempt that there was no room for: it is only counted. */
export const NO_NOTES = -1;

const { SERVER, CHOICE, COUNTS, STATUS, START, CONNECT, HEAD, END, HELD, CANDIDATES } = ExplainAttemptWord;
const { TEMPLATE, PARENT_TEMPLATE, WORK } = ExplainAttemptWord;
const ID_MASK = 0xff_ffff;
const MOST_COUNTED = 1_023;

/** How a choice came about, as whoever made it has it. */
export interface NotedChoice {
  /** Index of the strategy into `STRATEGIES`. */
  readonly strategy: number;
  /** A `DecisionArm` + 256 × the `Rung`; -1 = another strategy than `ml` chose. */
  readonly arm: number;
  readonly record: {
    readonly choice: Choice;
    readonly scale: Scale;
    readonly count: number;
    readonly rank: number;
    readonly kept: number;
    /** As `ExplainCandidateWord` has them. */
    readonly words: Int32Array;
    readonly ineligible: {
      readonly kept: number;
      readonly total: number;
      readonly servers: Int32Array;
      /** By `Ineligible`. */
      readonly counts: Int32Array;
    };
  } | null;
}

/** Of one request. */
export class RequestNotes {
  /** Attempts, each in room of its own (`ExplainAttemptWord`). */
  readonly words = new Int32Array(EXPLAIN_ATTEMPTS * EXPLAIN_ATTEMPT_WORDS);
  readonly floats = new Float32Array(this.words.buffer);
  /** Words that an attempt has taken of its room. */
  readonly lengths = new Int32Array(EXPLAIN_ATTEMPTS);
  /** Attempts there were. */
  count = 0;
  #beganMs = 0;

  /** Attempts that are in `words`. */
  get kept(): number {
    return Math.min(this.count, EXPLAIN_ATTEMPTS);
  }

  /** A request begins. */
  begin(beganMs: number): void {
    this.count = 0;
    this.#beganMs = beganMs;
  }

  /** An attempt begins. @returns what to call it by from here on; `NO_NOTES` = there was no room. */
  attempt(kind: TraceAttemptKind, outcome: AttemptOutcome, choice: NotedChoice): number {
    const row = this.count++;
    if (row >= EXPLAIN_ATTEMPTS) return NO_NOTES;
    const at = row * EXPLAIN_ATTEMPT_WORDS;
    const { words, floats } = this;
    const { record, arm } = choice;
    words[at + SERVER] = (outcome.serverId & ID_MASK) | (kind << 24);
    words[at + STATUS] = 0;
    floats[at + START] = outcome.dispatchedMs - this.#beganMs;
    floats[at + CONNECT] = Number.NaN;
    floats[at + HEAD] = Number.NaN;
    floats[at + END] = Number.NaN;
    floats[at + HELD] = outcome.heldMs;
    words[at + TEMPLATE] = outcome.template;
    words[at + PARENT_TEMPLATE] = outcome.parentTemplate;
    floats[at + WORK] = outcome.work / WORK_UNIT;
    if (outcome.sentAnyway) words[at + SERVER] |= ExplainAttemptFlag.SENT_ANYWAY << 28;
    const arms = arm < 0 ? 0 : ((arm & 0xff) + 1) | ((arm >> 8) << 4);
    if (record === null) {
      words[at + CHOICE] = choice.strategy;
      words[at + COUNTS] = arms << 20;
      this.lengths[row] = CANDIDATES;
      return row;
    }
    const { kept, ineligible } = record;
    let to = at + CANDIDATES;
    const length = kept * ExplainCandidateWord.LENGTH;
    for (let i = 0; i < length; i++) words[to++] = record.words[i];
    for (let i = 0; i < ineligible.kept; i++) words[to++] = ineligible.servers[i];
    let counts = 0;
    if (ineligible.total > 0) {
      for (let why = 1; why < Ineligible.LENGTH; why++) {
        const count = ineligible.counts[why];
        if (count === 0) continue;
        words[to++] = count | (why << 24);
        counts++;
      }
    }
    words[at + CHOICE] =
      choice.strategy |
      (record.choice << 5) |
      (record.scale << 10) |
      (kept << 15) |
      (ineligible.kept << 19) |
      (counts << 22) |
      (record.rank << 26);
    words[at + COUNTS] =
      Math.min(record.count, MOST_COUNTED) | (Math.min(ineligible.total, MOST_COUNTED) << 10) | (arms << 20);
    this.lengths[row] = to - at;
    return row;
  }

  /** It is over. @param row what `attempt` gave. */
  ended(row: number, outcome: AttemptOutcome, nowMs: number): void {
    if (row === NO_NOTES) return;
    const at = row * EXPLAIN_ATTEMPT_WORDS;
    const { words, floats } = this;
    const { failure, status, verdict } = outcome;
    words[at + STATUS] = status | ((failure === null ? 0 : failureIndex(failure.code)) << 16) | (verdict << 24);
    floats[at + CONNECT] = outcome.connectMs;
    floats[at + HEAD] = outcome.latencyMs;
    floats[at + END] = nowMs - outcome.dispatchedMs;
    if (outcome.reused) words[at + SERVER] |= ExplainAttemptFlag.REUSED << 28;
  }

  /** Its response was the client's. */
  responded(row: number): void {
    if (row !== NO_NOTES) this.words[row * EXPLAIN_ATTEMPT_WORDS + SERVER] |= ExplainAttemptFlag.RESPONDED << 28;
  }
}
