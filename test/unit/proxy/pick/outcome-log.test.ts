import { expect, test } from "bun:test";
import { Standstills } from "../../../../src/balancing/standstills.ts";
import { OutcomeFeed, type RecordedOutcome } from "../../../../src/learning/serving/worker-rings.ts";
import { OutcomeRecord } from "../../../../src/proxy/exchange/attempts/outcome-record.ts";
import { Failures } from "../../../../src/proxy/failure.ts";
import { OutcomeWriter } from "../../../../src/proxy/pick/outcome-log.ts";
import { WORK_UNIT } from "../../../../src/shared/memory/layout/classes.ts";
import { Header, SHARED_BYTES, viewSharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";

/** What the learner reads of attempts that are told as the exchange tells them. */
function told(
  tell: (attempt: OutcomeRecord, writer: OutcomeWriter) => void,
  standstills = new Standstills(),
): RecordedOutcome[] {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  memory.header[Header.WORKER_BLOCKS] = 1;
  const attempt = new OutcomeRecord();
  attempt.begin(7, 507, 1, 0, 3, 20);
  tell(attempt, new OutcomeWriter(memory.rings[0], 1000, standstills));
  const read: RecordedOutcome[] = [];
  new OutcomeFeed(memory).drain((outcome) => void read.push(outcome));
  return read;
}

const WELL = {
  worker: 0,
  decision: 0,
  slot: 7,
  serverId: 507,
  inFlight: 3,
  failed: false,
  latencyMs: 12,
  heldMs: 0,
  transferring: 0,
  atMs: 1032,
};

test("an attempt that no decision led to is told of at its head, once", () => {
  const outcomes = told((attempt, writer) => {
    attempt.head(200, 32);
    writer.onHead(attempt, 32);
    attempt.end(null, 100);
    writer.onEnd(attempt, 40);
  });
  expect(outcomes).toEqual([WELL]);
});

test("what fails is told of as soon as it shows", () => {
  const error = told((attempt, writer) => {
    attempt.head(503, 32);
    writer.onHead(attempt, 32);
    attempt.end(null, 0);
    writer.onEnd(attempt, 40);
  });
  expect(error).toEqual([{ ...WELL, failed: true }]);
  const refused = told((attempt, writer) => {
    attempt.end(Failures.CONNECT_REFUSED, 0);
    writer.onEnd(attempt, 21);
  });
  expect(refused).toEqual([{ ...WELL, failed: true, latencyMs: 1, atMs: 1021 }]);
  const cut = told((attempt, writer) => {
    attempt.head(200, 32);
    writer.onHead(attempt, 32);
    attempt.end(Failures.RESPONSE_TRUNCATED, 10);
    writer.onEnd(attempt, 60);
  });
  expect(cut).toEqual([WELL, { ...WELL, failed: true, latencyMs: 40, atMs: 1060 }]);
});

test("what says nothing of its server is not told of", () => {
  const left = told((attempt, writer) => {
    attempt.end(Failures.CLIENT_ABORTED, 0);
    writer.onEnd(attempt, 30);
  });
  expect(left).toEqual([]);
});

test("what the worker stood still for is no latency of the server", () => {
  const standstills = new Standstills();
  standstills.add(2, 12); // before it was sent
  standstills.add(25, 525);
  const outcomes = told((attempt, writer) => {
    attempt.head(200, 532);
    writer.onHead(attempt, 532);
    attempt.end(null, 100);
    writer.onEnd(attempt, 540);
  }, standstills);
  expect(outcomes).toEqual([{ ...WELL, atMs: 1532 }]);
});

test("how long its request was held is told with the first attempt, and belongs to no other", () => {
  const held = (number: number) =>
    told((attempt, writer) => {
      attempt.begin(7, 507, number, 0, 3, 20);
      attempt.held(8, false);
      attempt.head(200, 32);
      writer.onHead(attempt, 32);
    });
  expect(held(1)).toEqual([{ ...WELL, heldMs: 8 }]);
  expect(held(2)).toEqual([WELL]);
});

test("what its request was expected to cost is told where classes of requests are told apart", () => {
  const costing = (taken: number, status: number) =>
    told((attempt, writer) => {
      attempt.classed({ template: 71, parentTemplate: 72 }, { taken, others: 0.5 });
      attempt.head(status, 32);
      writer.onHead(attempt, 32);
    });
  const work = { template: 71, parentTemplate: 72, own: 3, others: 0.5 };
  expect(costing(3 * WORK_UNIT, 200)).toEqual([{ ...WELL, work }]);
  expect(costing(3 * WORK_UNIT, 503)).toEqual([{ ...WELL, failed: true, work }]);
  // What a server refuses says nothing of what such requests cost.
  expect(costing(3 * WORK_UNIT, 404)).toEqual([{ ...WELL, work: { ...work, template: 0, parentTemplate: 0 } }]);
  expect(costing(0, 200)).toEqual([WELL]);
});

test("the memory of what requests cost is not touched while no classes of them are told apart", () => {
  const memory = viewSharedMemory(new ArrayBuffer(SHARED_BYTES));
  const attempt = new OutcomeRecord();
  const writer = new OutcomeWriter(memory.rings[0], 0);
  const tell = (taken: number) => {
    attempt.begin(7, 507, 1, 0, 3, 20);
    attempt.classed({ template: 71, parentTemplate: 72 }, { taken, others: 1 });
    attempt.head(200, 32);
    writer.onHead(attempt, 32);
  };
  tell(0);
  expect([memory.rings[0].outcomes.head[0], memory.rings[0].work.head[0]]).toEqual([1, 0]);
  expect(memory.rings[0].work.words.some((word) => word !== 0)).toBe(false);
  tell(WORK_UNIT);
  expect([memory.rings[0].outcomes.head[0], memory.rings[0].work.head[0]]).toEqual([2, 1]);
});
