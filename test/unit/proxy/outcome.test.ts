import { describe, expect, test } from "bun:test";
import { type Failure, Failures, refusedRequest } from "../../../src/proxy/failure.ts";
import {
  type AttemptOutcome,
  failedSinceHead,
  isServerError,
  OutcomeConsumers,
  Verdict,
  verdictOn,
} from "../../../src/proxy/outcome.ts";

const NONE_CAME = 0;

describe("a verdict", () => {
  const all = Object.values(Failures) as Failure[];
  const held = all.filter((failure) => failure.source === "upstream" && failure !== Failures.STALE_CONNECTION);
  const excused = [...all.filter((failure) => !held.includes(failure)), refusedRequest(400, "bad_chunk", "")];

  test("on a complete response goes by its status", () => {
    for (const status of [101, 200, 204, 304, 404, 499]) expect(verdictOn(status, null)).toBe(Verdict.GOOD);
    for (const status of [500, 502, 503, 599]) expect(verdictOn(status, null)).toBe(Verdict.ERROR);
    expect(verdictOn(600, null)).toBe(Verdict.GOOD);
  });

  test("on a call of gRPC goes by its status, too", () => {
    for (const status of [2, 13, 14, 15]) expect(verdictOn(200, null, status)).toBe(Verdict.ERROR);
    // The client's time, its rights, its mistakes, and methods that there are not.
    for (const status of [0, 1, 3, 4, 5, 7, 8, 12, 16, 99]) expect(verdictOn(200, null, status)).toBe(Verdict.GOOD);
  });

  test.each(held.map((failure) => [failure.code, failure] as const))("%s is the server's fault", (_code, failure) => {
    expect(verdictOn(NONE_CAME, failure)).toBe(Verdict.UNANSWERED);
    for (const status of [101, 200, 503]) expect(verdictOn(status, failure)).toBe(Verdict.BROKEN);
  });

  test.each(excused.map((failure) => [failure.code, failure] as const))("%s is not", (_code, failure) => {
    expect(verdictOn(NONE_CAME, failure)).toBe(Verdict.NONE);
    expect(verdictOn(200, failure)).toBe(Verdict.GOOD);
    expect(verdictOn(503, failure)).toBe(Verdict.ERROR);
  });

  test("is none on an attempt that lost to another one", () => {
    expect(verdictOn(NONE_CAME, null)).toBe(Verdict.NONE);
  });
});

test("a failure shows at the head or after it, never twice", () => {
  const told = (status: number, failure: Failure | null) =>
    failedSinceHead({ headFailed: isServerError(status), verdict: verdictOn(status, failure) } as AttemptOutcome);
  expect(told(NONE_CAME, Failures.CONNECT_REFUSED)).toBe(true);
  expect(told(200, Failures.RESPONSE_TRUNCATED)).toBe(true);
  expect(told(500, Failures.RESPONSE_TRUNCATED)).toBe(false);
  expect(told(500, null)).toBe(false);
  expect(told(200, null)).toBe(false);
  expect(told(NONE_CAME, Failures.CLIENT_ABORTED)).toBe(false);
});

test("consumers are told in order, each of what it asks for", () => {
  const told: string[] = [];
  const consumers = new OutcomeConsumers([
    { onHead: (outcome, nowMs) => void told.push(`a: head of ${outcome.slot} at ${nowMs}`) },
    {
      onHead: ({ slot }) => void told.push(`b: head of ${slot}`),
      onEnd: ({ slot }, nowMs) => void told.push(`b: end of ${slot} at ${nowMs}`),
    },
    { onEnd: ({ slot }) => void told.push(`c: end of ${slot}`) },
  ]);
  consumers.onHead({ slot: 3 } as AttemptOutcome, 10);
  consumers.onEnd({ slot: 3 } as AttemptOutcome, 20);
  expect(told).toEqual(["a: head of 3 at 10", "b: head of 3", "b: end of 3 at 20", "c: end of 3"]);
});
