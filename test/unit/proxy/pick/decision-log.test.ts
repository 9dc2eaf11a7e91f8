import { describe, expect, test } from "bun:test";
import type { Decision } from "../../../../src/balancing/strategy.ts";
import { findDecision, findOutcomes, findRequest, OutcomeFeed } from "../../../../src/learning/serving/worker-rings.ts";
import { DecisionWriter } from "../../../../src/proxy/pick/decision-log.ts";
import {
  DECISION_CANDIDATES,
  DECISION_ROWS,
  DecisionArm,
  LearnerCounter,
  OUTCOME_ROWS,
  packCandidate,
  Rung,
} from "../../../../src/shared/memory/layout/learning.ts";
import {
  Header,
  SHARED_BYTES,
  type SharedMemory,
  viewSharedMemory,
} from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { hashRequestId } from "../../../../src/shared/memory/request-id-hash.ts";
import { UNCLASSED } from "../../../support/learning/unclassed.ts";

const OFFSET_MS = 1000;

function setUp() {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 2;
  for (let slot = 0; slot < 100; slot++) {
    memory.servers.id[slot] = 500 + slot;
    memory.servers.inFlight[slot] = slot;
  }
  const { counters } = memory.workers[1];
  return { memory, counters, writer: new DecisionWriter(memory.rings[1], memory.servers, counters, OFFSET_MS) };
}

function decision(overrides: Partial<Decision> = {}): Decision {
  const candidates = overrides.candidates ?? Int32Array.of(3, 7, 9);
  return {
    slot: 7,
    arm: DecisionArm.CHAMPION,
    rung: Rung.MODEL,
    propensity: 0.75,
    table: 12,
    candidates,
    count: candidates.length,
    loads: Int32Array.from(candidates, (slot, i) => packCandidate(slot, slot + 1, i)),
    scores: Float64Array.from(candidates, (_, i) => 1.5 + i),
    nowMs: 20,
    ...overrides,
  };
}

function write(writer: DecisionWriter, id: string, made: Decision): number {
  const bytes = Buffer.from(id);
  writer.setRequest(bytes, 0, bytes.length);
  writer.record(made);
  return writer.last;
}

function hashOf(id: string): Int32Array {
  const hash = new Int32Array(4);
  hashRequestId(Buffer.from(id), 0, id.length, hash, 0);
  return hash;
}

const counts = ({ learnerCounters }: SharedMemory) => [
  learnerCounters[LearnerCounter.SAMPLES],
  learnerCounters[LearnerCounter.SAMPLES_LOST],
];

const ended = (number: number) => ({
  slot: 7,
  serverId: 507,
  dispatchedMs: 20,
  inFlightAtDispatch: 7,
  decision: number,
  ...UNCLASSED,
});

test("a request is placed by a prediction once; attempts that had to be placed without one are fallbacks", () => {
  const { writer, counters } = setUp();
  const seen = () => [counters[WorkerCounter.ML_PREDICTED], counters[WorkerCounter.ML_FALLBACKS]];
  const place = (made: Decision, first: boolean) => {
    writer.record(made);
    writer.placed(first);
  };
  place(decision(), true);
  place(decision(), false); // the same request again
  writer.record(decision()); // and a choice that found no room
  place(decision({ arm: DecisionArm.CANARY }), true);
  expect(seen()).toEqual([2, 0]);
  for (const rung of [Rung.ESTIMATOR, Rung.FLOOR]) place(decision({ rung, table: 0 }), true);
  place(decision({ rung: Rung.ESTIMATOR, table: 0 }), false);
  place(decision({ arm: DecisionArm.CANARY, rung: Rung.ESTIMATOR, table: 0 }), true);
  expect(seen()).toEqual([2, 4]);
  for (const arm of [DecisionArm.CONTROL, DecisionArm.PROBE])
    place(decision({ arm, rung: Rung.FLOOR, table: 0 }), true);
  expect(seen()).toEqual([2, 4]);
});

describe("what a worker notes", () => {
  test("of a decision can be found by the request and by its number", () => {
    const { memory, writer, counters } = setUp();
    const number = write(writer, "request-a", decision());
    write(writer, "request-b", decision({ arm: DecisionArm.CONTROL }));
    const [found, ...others] = findRequest(memory, hashOf("request-a"));
    expect(others).toEqual([]);
    expect(found).toEqual({
      worker: 1,
      number,
      slot: 7,
      serverId: 507,
      arm: DecisionArm.CHAMPION,
      rung: Rung.MODEL,
      table: 12,
      atMs: 1020,
      propensity: 0.75,
      candidateCount: 3,
      candidates: [
        { slot: 3, inFlight: 4, waiting: 0, score: 1.5 },
        { slot: 7, inFlight: 8, waiting: 1, score: 2.5 },
        { slot: 9, inFlight: 10, waiting: 2, score: 3.5 },
      ],
    });
    expect(findDecision(memory, 1, number)).toEqual(found);
    expect(findRequest(memory, hashOf("request-c"))).toEqual([]);
    expect(counters[WorkerCounter.DECISIONS + DecisionArm.CHAMPION]).toBe(1);
    expect(counters[WorkerCounter.DECISIONS + DecisionArm.CONTROL]).toBe(1);
  });

  test("has no scores where none were looked up, whatever an earlier choice left behind", () => {
    const { memory, writer } = setUp();
    write(writer, "r", decision({ table: 0, rung: Rung.ESTIMATOR }));
    const [{ candidates }] = findRequest(memory, hashOf("r"));
    expect(candidates.map(({ score, waiting }) => score + waiting)).toEqual([0, 0, 0]);
    expect(candidates.map(({ inFlight }) => inFlight)).toEqual([3, 7, 9]);
  });

  test("has the chosen server in any case when there are more candidates than places", () => {
    const { memory, writer } = setUp();
    const candidates = Int32Array.from({ length: 60 }, (_, slot) => slot);
    write(writer, "r", decision({ candidates, slot: 50 }));
    const [found] = findRequest(memory, hashOf("r"));
    expect(found.candidateCount).toBe(60);
    expect(found.candidates).toHaveLength(DECISION_CANDIDATES);
    expect(found.candidates.at(-1)).toEqual({ slot: 50, inFlight: 51, waiting: 50, score: 51.5 });
    expect(found.candidates.at(-2)?.slot).toBe(DECISION_CANDIDATES - 2);
  });

  test("keeps large and wrong numbers apart from their neighbours", () => {
    const { memory, writer } = setUp();
    memory.servers.inFlight[3] = 1_000_000;
    memory.servers.inFlight[7] = -1;
    write(writer, "r", decision({ table: 0, rung: Rung.ESTIMATOR }));
    const [{ candidates }] = findRequest(memory, hashOf("r"));
    expect(candidates.map(({ slot, inFlight }) => [slot, inFlight])).toEqual([
      [3, 2047],
      [7, 0],
      [9, 9],
    ]);
  });

  test("of outcomes comes once through the feed, with the number of the decision", () => {
    const { memory, writer } = setUp();
    const feed = new OutcomeFeed(memory);
    const number = write(writer, "r", decision());
    writer.ended(ended(number), false, 45);
    writer.ended(ended(number), true, 60); // the response was cut off later
    const seen: object[] = [];
    feed.drain((outcome) => seen.push(outcome));
    expect(counts(memory)).toEqual([2, 0]);
    const common = { worker: 1, decision: number, slot: 7, serverId: 507, inFlight: 7, heldMs: 0, transferring: 0 };
    expect(seen).toEqual([
      { ...common, failed: false, latencyMs: 25, atMs: 1045 },
      { ...common, failed: true, latencyMs: 40, atMs: 1060 },
    ]);
    feed.drain((outcome) => seen.push(outcome));
    expect(seen).toHaveLength(2);
    expect(findOutcomes(memory, findDecision(memory, 1, number)!).map(({ failed }) => failed)).toEqual([false, true]);
  });

  test("is forgotten when the ring has come around, and lost outcomes are counted", () => {
    const { memory, writer } = setUp();
    const feed = new OutcomeFeed(memory);
    feed.drain(() => {});
    const first = write(writer, "first", decision());
    for (let i = 1; i < DECISION_ROWS; i++) write(writer, "other", decision());
    for (let i = 0; i < OUTCOME_ROWS + 100; i++) writer.ended(ended(first), false, 30);
    expect(findRequest(memory, hashOf("first"))).toEqual([]);
    expect(findDecision(memory, 1, first)).toBeUndefined();
    let seen = 0;
    feed.drain(() => seen++);
    expect(seen).toBe(OUTCOME_ROWS - 1);
    expect(counts(memory)).toEqual([OUTCOME_ROWS - 1, 101]);
  });

  test("of outcomes is read once also when the reader begins anew, who can look at what was read before", () => {
    const { memory, writer } = setUp();
    const number = write(writer, "r", decision());
    for (let i = 0; i < 5; i++) writer.ended(ended(number), false, 30 + i);
    new OutcomeFeed(memory).drain(() => {});
    for (let i = 5; i < 7; i++) writer.ended(ended(number), false, 30 + i);
    const next = new OutcomeFeed(memory);
    expect(next.past().map(({ atMs }) => atMs)).toEqual([1030, 1031, 1032, 1033, 1034]);
    const seen: number[] = [];
    next.drain(({ atMs }) => seen.push(atMs));
    expect(seen).toEqual([1035, 1036]);
    expect(counts(memory)).toEqual([7, 0]);
    expect(next.past()).toHaveLength(7);
  });
});
