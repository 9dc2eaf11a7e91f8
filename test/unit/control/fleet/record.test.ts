import { expect, test } from "bun:test";
import { ServerRecord } from "../../../../src/control/fleet/record.ts";

test("checks are counted by how they ended and why; the usual failures are there from the start", () => {
  const record = new ServerRecord(0);
  expect(record.checks).toEqual({ success: 0, failure: { refused: 0, timeout: 0, status: 0 }, skipped: {} });
  record.onCheck({ kind: "success" });
  record.onCheck({ kind: "success" });
  for (const cause of ["refused", "tls", "tls"] as const) record.onCheck({ kind: "failure", cause, reason: "…" });
  record.onCheck({ kind: "skipped", cause: "descriptors" });
  expect(record.checks).toEqual({
    success: 2,
    failure: { refused: 1, timeout: 0, status: 0, tls: 2 },
    skipped: { descriptors: 1 },
  });
});

test("ejections are counted by cause", () => {
  const record = new ServerRecord(0);
  record.onEjected("latency");
  record.onEjected("probation");
  record.onEjected("latency");
  record.onEjected("cluster");
  expect(record.ejections).toEqual({
    consecutive_failures: 0,
    failure_share: 0,
    latency: 2,
    probation: 1,
    cluster: 1,
  });
});

test("the times in all states are together as long as the server is there, whenever one looks", () => {
  const record = new ServerRecord(1_000);
  expect(record.stateSeconds(1_500)).toEqual({});
  record.enter("starting", 2_000); // it was that since it came
  expect(record.stateSeconds(3_000)).toEqual({ starting: 2 });
  record.enter("up", 4_000);
  record.enter("ejected", 10_000);
  record.enter("up", 15_000);
  expect(record.stateSeconds(15_000)).toEqual({ starting: 3, up: 6, ejected: 5 });
  const seconds = record.stateSeconds(21_000);
  expect(seconds).toEqual({ starting: 3, up: 12, ejected: 5 });
  expect(Object.values(seconds).reduce((sum, one) => sum + one, 0)).toBe(20);
});
