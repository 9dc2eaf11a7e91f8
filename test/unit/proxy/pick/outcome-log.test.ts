import { expect, test } from "bun:test";
import { Standstills } from "../../../../src/balancing/standstills.ts";
import { OutcomeFeed, type RecordedOutcome } from "../../../../src/learning/serving/worker-rings.ts";
import { OutcomeRecord } from "../../../../src/proxy/exchange/attempts/outcome-record.ts";
import { Failures } from "../../../../src/proxy/failure.ts";
import { OutcomeWriter } from "../../../../src/proxy/pick/outcome-log.ts";
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
