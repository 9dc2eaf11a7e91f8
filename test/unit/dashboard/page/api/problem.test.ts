import { expect, test } from "bun:test";
import { backoffMs } from "../../../../../src/dashboard/page/api/backoff.ts";
import { ApiProblem, problemOf, sentenceOf } from "../../../../../src/dashboard/page/api/problem.ts";

test("refusals are sentences, whatever came", () => {
  const both = JSON.stringify({
    code: "x",
    detail: "the body is not right",
    errors: [{ at: "weight", message: "must be above 0" }],
  });
  expect(sentenceOf(problemOf(400, both))).toBe("the body is not right; weight must be above 0");
  expect(problemOf(503, '{"error":{"code":"busy","message":"ask later"}}')).toMatchObject({
    code: "busy",
    message: "ask later",
  });
  expect(problemOf(502, "<html>").message).toBe("the answer was 502");
  expect(sentenceOf(new ApiProblem(412, "changed_meanwhile", "look again"))).toBe(
    "Somebody else has changed it meanwhile: look again",
  );
});

test("pauses double up to a limit, and are not the same for all", () => {
  expect([1, 2, 3, 20].map((tries) => backoffMs(tries, 0.5))).toEqual([500, 1000, 2000, 15_000]);
  expect(backoffMs(1, 0)).toBeLessThan(backoffMs(1, 1));
});
