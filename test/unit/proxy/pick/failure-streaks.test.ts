import { beforeEach, describe, expect, test } from "bun:test";
import { FailingServers } from "../../../../src/balancing/failing-servers.ts";
import { OutcomeRecord } from "../../../../src/proxy/exchange/attempts/outcome-record.ts";
import { type Failure, Failures } from "../../../../src/proxy/failure.ts";
import { FailureStreaks } from "../../../../src/proxy/pick/failure-streaks.ts";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";

const OPTIONS = { consecutiveFailures: 5, maxEjectedPercent: 50, baseEjectionMs: 10_000 };
const SERVERS = 3;
const CANDIDATES = Int32Array.of(0, 1, 2);

let columns: ReturnType<typeof zeros>;
let failing: FailingServers;
let streaks: FailureStreaks;

const zeros = () => ({
  state: new Int32Array(SERVERS).fill(ServerState.UP),
  consecutiveFailures: new Int32Array(SERVERS),
  consecutiveUnanswered: new Int32Array(SERVERS),
  consecutiveBroken: new Int32Array(SERVERS),
});

beforeEach(() => {
  columns = zeros();
  failing = new FailingServers(columns, OPTIONS);
  failing.onTable({ present: SERVERS, ejected: 0, panic: false });
  streaks = new FailureStreaks(failing);
});

/** An attempt at server 0 whose head has come. */
function begun(status: number): OutcomeRecord {
  const record = new OutcomeRecord();
  record.begin(0, 1, 1, 0, 0, 0);
  if (status !== 0) {
    record.head(status, 5);
    streaks.onHead(record);
  }
  return record;
}

function end(record: OutcomeRecord, failure: Failure | null): void {
  record.end(failure, 0);
  streaks.onEnd(record);
}

const attempt = (status: number, failure: Failure | null): void => end(begun(status), failure);
const refused = () => attempt(0, Failures.CONNECT_REFUSED);
const cut = () => attempt(200, Failures.RESPONSE_TRUNCATED);
const good = () => attempt(200, null);

const counted = () => [columns.consecutiveFailures[0], columns.consecutiveUnanswered[0], columns.consecutiveBroken[0]];

function isPassedOver(): boolean {
  failing.look(CANDIDATES, SERVERS, 0, true);
  return failing.isPassedOver(0);
}

function repeat(times: number, what: () => void): void {
  for (let i = 0; i < times; i++) what();
}

describe("a server is passed over", () => {
  test.each<[string, () => void]>([
    ["refuses", refused],
    ["answers every request with an error", () => attempt(503, null)],
    ["cuts every response", cut],
    ["lets every response stand still", () => attempt(200, Failures.RESPONSE_BODY_TIMEOUT)],
    ["sends bodies that break their framing", () => attempt(200, Failures.BAD_RESPONSE)],
    ["cuts errors", () => attempt(500, Failures.RESPONSE_TRUNCATED)],
  ])("that %s, from the fifth on", (_what, fail) => {
    repeat(4, fail);
    expect(isPassedOver()).toBe(false);
    fail();
    expect(counted()[0]).toBe(5);
    expect(isPassedOver()).toBe(true);
  });

  test("that fails now one way, now another", () => {
    for (const fail of [cut, refused, () => attempt(500, null), cut, refused]) fail();
    expect(counted()).toEqual([3, 1, 2]); // the second one that was cut had begun well: that ended what came between
    cut();
    expect(counted()).toEqual([3, 0, 3]);
  });

  test("not that cuts one now and then", () => {
    repeat(20, () => {
      repeat(4, cut);
      good();
      expect(counted()).toEqual([0, 0, 0]);
    });
    expect(isPassedOver()).toBe(false);
  });
});

describe("a head that is no error", () => {
  test("ends a streak of refusals, long before its response is complete", () => {
    repeat(9, refused);
    const download = begun(200);
    expect(counted()).toEqual([0, 0, 0]);
    end(download, null);
    expect(counted()).toEqual([0, 0, 0]);
  });

  test("ends a streak of errors", () => {
    repeat(9, () => attempt(500, null));
    begun(200);
    expect(counted()).toEqual([0, 0, 0]);
  });

  test("ends none of cut responses: only a complete one does", () => {
    repeat(3, cut);
    refused();
    const download = begun(200);
    expect(counted()).toEqual([3, 0, 3]);
    end(download, null);
    expect(counted()).toEqual([0, 0, 0]);
  });

  test("of an error only shows that there is somebody", () => {
    repeat(3, refused);
    const error = begun(500);
    expect(counted()).toEqual([4, 0, 0]);
    end(error, null);
    expect(counted()).toEqual([4, 0, 0]);
  });
});

describe("nothing is held against a server", () => {
  test.each(["CLIENT_ABORTED", "STALE_CONNECTION", "BODY_TOO_LARGE", "INTERNAL"] as const)(
    "that was given no time to answer: %s",
    (name) => {
      refused();
      attempt(0, Failures[name]);
      expect(counted()).toEqual([1, 1, 0]);
    },
  );

  test("that was slower than another one", () => {
    attempt(0, null);
    expect(counted()).toEqual([0, 0, 0]);
  });

  test("whose clients leave in the middle; who always does so is no bad sign", () => {
    cut();
    attempt(200, Failures.CLIENT_ABORTED);
    expect(counted()).toEqual([0, 0, 0]);
  });

  test("whose tunnels end in a reset, as soon as another one begins", () => {
    attempt(101, Failures.RESPONSE_TRUNCATED);
    expect(counted()).toEqual([1, 0, 0]);
    begun(101);
    expect(counted()).toEqual([0, 0, 0]);
  });
});
