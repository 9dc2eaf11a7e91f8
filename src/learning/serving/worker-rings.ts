/** Reads what the workers' rings say: outcomes as they come, and decisions that are asked for. */

import { LEAST_WORK, MOST_WORK } from "../../shared/memory/layout/classes.ts";
import {
  DECISION_CANDIDATES,
  DECISION_ROWS,
  DecisionWord,
  LearnerCounter,
  OUTCOME_ROWS,
  OutcomeWord,
  unpackCandidate,
  WorkWord,
} from "../../shared/memory/layout/learning.ts";
import { Header, MAX_SERVERS, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { newRow, RingCursor, RingReader, type Row } from "../../shared/memory/ring.ts";
import { inRange, LATENCY_MS, MOMENT_MS } from "../../shared/ranges.ts";
import type { Outcome, OutcomeWork } from "../features/outcome.ts";

/** What a request may cost, in mean requests. */
const WORK = { least: LEAST_WORK, most: MOST_WORK };

/** An outcome as a worker noted it. */
export interface RecordedOutcome extends Outcome {
  readonly worker: number;
  /** Number of its decision in the same worker's ring. */
  readonly decision: number;
  /** How long its request was held before it because of learned limits, milliseconds. */
  readonly heldMs: number;
  /** Of the requests in flight, those in transfer (`ServerTable.transferring`). */
  readonly transferring: number;
}

/** A candidate of a decision. */
export interface RecordedCandidate {
  readonly slot: number;
  readonly inFlight: number;
  /** Of those, requests that the worker itself waited for; only known where there is a score. */
  readonly waiting: number;
  /** 0 = it had none. */
  readonly score: number;
}

/** A decision as a worker noted it. */
export interface RecordedDecision {
  readonly worker: number;
  readonly number: number;
  readonly slot: number;
  readonly serverId: number;
  /** A `DecisionArm`. */
  readonly arm: number;
  /** The `Rung` whose policy chose. */
  readonly rung: number;
  /** Sequence number of the table; 0 = none. */
  readonly table: number;
  /** Boot clock, milliseconds. */
  readonly atMs: number;
  readonly propensity: number;
  /** Candidates there were; the list may be shorter. */
  readonly candidateCount: number;
  readonly candidates: readonly RecordedCandidate[];
}

/**
 * Outcomes of all workers, each read once: also over the learner's restarts, because how far it has come is kept in the
 * shared memory.
 */
export class OutcomeFeed {
  readonly #memory: SharedMemory;
  readonly #cursors: RingCursor[] = [];
  readonly #work: WorkReader;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
    this.#work = new WorkReader(memory);
  }

  /**
   * Hands what is new to `visit`, worker by worker, and counts it: what was read, and what was overwritten before or holds
   * numbers that no outcome can have.
   */
  drain(visit: (outcome: RecordedOutcome) => void): void {
    const { header, rings, learnerCounters, learnerPositions } = this.#memory;
    for (let worker = 0; worker < header[Header.WORKER_BLOCKS]; worker++) {
      const { outcomes } = rings[worker];
      const from = learnerPositions[worker];
      this.#cursors[worker] ??= new RingCursor(outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH, from);
      const cursor = this.#cursors[worker];
      let impossible = 0;
      const overwritten = cursor.drain((row) => {
        const outcome = readOutcome(row, worker, this.#work);
        if (isPossible(outcome)) visit(outcome);
        else impossible++;
      });
      const lost = overwritten + impossible;
      const gone = (cursor.position - from) | 0;
      if (gone === 0) continue;
      learnerPositions[worker] = cursor.position;
      learnerCounters[LearnerCounter.SAMPLES] += gone - lost;
      learnerCounters[LearnerCounter.SAMPLES_LOST] += lost;
    }
  }

  /** What the rings still hold of what was read before, oldest first: for a learner that begins anew. */
  past(): RecordedOutcome[] {
    const { header, rings, learnerPositions } = this.#memory;
    const found: RecordedOutcome[] = [];
    for (let worker = 0; worker < header[Header.WORKER_BLOCKS]; worker++) {
      new RingCursor(rings[worker].outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH).drain((row, number) => {
        const outcome = readOutcome(row, worker, this.#work);
        if (((learnerPositions[worker] - number) | 0) >= 0 && isPossible(outcome)) found.push(outcome);
      });
    }
    return found.sort((a, b) => a.atMs - b.atMs);
  }
}

/** The decision behind an outcome; `undefined` when it is overwritten. */
export function findDecision(memory: SharedMemory, worker: number, number: number): RecordedDecision | undefined {
  const row = newRow(DecisionWord.LENGTH);
  const reader = new RingReader(memory.rings[worker].decisions, DECISION_ROWS, DecisionWord.LENGTH);
  return reader.read(number, row) ? readDecision(row, worker, number) : undefined;
}

/**
 * All decisions for the request with this hash (request-id-hash.ts) that are still there, oldest first. It looks through
 * every ring: for people who ask, not for every request.
 */
export function findRequest(memory: SharedMemory, hash: Int32Array): RecordedDecision[] {
  const row = newRow(DecisionWord.LENGTH);
  const found: RecordedDecision[] = [];
  for (let worker = 0; worker < memory.header[Header.WORKER_BLOCKS]; worker++) {
    const { decisions } = memory.rings[worker];
    const reader = new RingReader(decisions, DECISION_ROWS, DecisionWord.LENGTH);
    for (let left = (reader.head() - reader.oldest() + 1) | 0, number = reader.oldest(); left > 0; left--) {
      const at = ((number - 1) & (DECISION_ROWS - 1)) * DecisionWord.LENGTH;
      // Looked at in place first, and again in the copy: the row may be in writing.
      const seems = isFor(decisions.words, at, hash);
      if (seems && reader.read(number, row) && isFor(row.words, 0, hash)) found.push(readDecision(row, worker, number));
      number = (number + 1) | 0;
    }
  }
  return found.sort((a, b) => a.atMs - b.atMs);
}

/** The outcomes of a decision, in order: none yet, one, or two when a response that had begun was cut off. */
export function findOutcomes(memory: SharedMemory, { worker, number }: RecordedDecision): RecordedOutcome[] {
  const found: RecordedOutcome[] = [];
  const work = new WorkReader(memory);
  new RingCursor(memory.rings[worker].outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH).drain((row) => {
    if (row.words[OutcomeWord.DECISION] === number) found.push(readOutcome(row, worker, work));
  });
  return found;
}

function isFor(words: Int32Array, at: number, hash: Int32Array): boolean {
  return hash.every((word, i) => words[at + DecisionWord.REQUEST_ID + i] === word);
}

function readOutcome({ words, floats, figures }: Row, worker: number, expected: WorkReader): RecordedOutcome {
  const outcome = {
    worker,
    decision: words[OutcomeWord.DECISION],
    slot: words[OutcomeWord.SLOT],
    serverId: words[OutcomeWord.SERVER],
    inFlight: words[OutcomeWord.IN_FLIGHT],
    failed: words[OutcomeWord.FAILED] === 1,
    heldMs: floats[OutcomeWord.HELD],
    transferring: words[OutcomeWord.TRANSFERRING],
    latencyMs: figures[OutcomeWord.LATENCY >> 1],
    atMs: figures[OutcomeWord.TIME >> 1],
  };
  const work = expected.read(worker, words[OutcomeWord.WORK]);
  return work === undefined ? outcome : { ...outcome, work };
}

/** Reads what requests were expected to cost. Where no classes of them are told apart, it does not touch the rings of it. */
class WorkReader {
  readonly #memory: SharedMemory;
  readonly #readers: RingReader[] = [];
  readonly #row = newRow(WorkWord.LENGTH);

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** `undefined` = no classes of requests are told apart; or it is overwritten or cannot be true, and counts as that. */
  read(worker: number, number: number): OutcomeWork | undefined {
    if (number === 0) return undefined;
    this.#readers[worker] ??= new RingReader(this.#memory.rings[worker].work, OUTCOME_ROWS, WorkWord.LENGTH);
    if (!this.#readers[worker].read(number, this.#row)) return undefined;
    const { words, floats } = this.#row;
    const own = floats[WorkWord.OWN];
    const others = floats[WorkWord.OTHERS];
    if (!inRange(own, WORK) || !inRange(others, WORK)) return undefined;
    return { template: words[WorkWord.TEMPLATE], parentTemplate: words[WorkWord.PARENT_TEMPLATE], own, others };
  }
}

/** The memory is other processes', and one of them may have been killed in the midst of a write. */
function isPossible({ slot, latencyMs, heldMs, atMs }: RecordedOutcome): boolean {
  const isSound = inRange(latencyMs, LATENCY_MS) && inRange(heldMs, LATENCY_MS) && inRange(atMs, MOMENT_MS);
  return isSound && slot >= 0 && slot < MAX_SERVERS;
}

function readDecision({ words, floats, figures }: Row, worker: number, number: number): RecordedDecision {
  const candidateCount = words[DecisionWord.COUNT];
  const candidates: RecordedCandidate[] = [];
  for (let i = 0; i < Math.min(candidateCount, DECISION_CANDIDATES); i++) {
    const at = DecisionWord.CANDIDATES + 2 * i;
    candidates.push({ ...unpackCandidate(words[at]), score: floats[at + 1] });
  }
  return {
    worker,
    number,
    slot: words[DecisionWord.SLOT],
    serverId: words[DecisionWord.SERVER],
    arm: words[DecisionWord.ARM] & 0xff,
    rung: words[DecisionWord.ARM] >> 8,
    table: words[DecisionWord.TABLE],
    atMs: figures[DecisionWord.TIME >> 1],
    propensity: floats[DecisionWord.PROPENSITY],
    candidateCount,
    candidates,
  };
}
