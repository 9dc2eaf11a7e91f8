import { expect, test } from "bun:test";
import { Outcomes } from "../../../src/load/outcomes.ts";
import { renderLoadSummary, renderProgress } from "../../../src/load/summary.ts";

test("what became of requests is counted by status and cause, and latency is that of what succeeded", () => {
  const outcomes = new Outcomes(0);
  for (let i = 0; i < 99; i++) outcomes.response(i < 90 ? 200 : 404, 10, 5, 1000);
  outcomes.response(200, 10, 400, 1000);
  outcomes.response(503, 3, 9000, 1000);
  outcomes.failure(Object.assign(new Error("x"), { code: "ECONNREFUSED" }), 1000, 1000);
  outcomes.failure(new DOMException("", "TimeoutError"), 1500, 1000);
  outcomes.notSent(1000, 256);
  outcomes.sent(3);
  outcomes.sent(45);
  const servers = [{ url: "http://a:1", requests: 100, share: 1 }];
  const summary = outcomes.summary("http://b/", 2, servers);
  expect(summary).toMatchObject({
    requests: 104,
    succeeded: 100,
    failed: 4,
    per_second: 52,
    bytes: 1003,
    max_ms: 400,
    sent_late_ms: 45,
    statuses: { 200: 91, 404: 9, 503: 1 },
    failures: { "status 503": 1, ECONNREFUSED: 1, "no response in 1.5 s": 1, "not sent: 256 requests were open": 1 },
    servers,
  });
  expect(summary.p50_ms).toBeCloseTo(5, 0);
  expect(renderLoadSummary(summary)).toContain(
    "104 requests in 2.0 s to http://b/: 100 succeeded, 4 failed, 52 a second",
  );
  expect(renderLoadSummary(summary)).toContain("This process itself sent up to 45 ms late");
});

test("without a response there are no quantiles; texts from outside are of a bounded number", () => {
  const outcomes = new Outcomes(0);
  for (let i = 0; i < 100; i++) outcomes.failure(new Error(`cause ${i}`), 1000, 500);
  const summary = outcomes.summary("http://b/", 1, null);
  expect([summary.p50_ms, summary.max_ms, summary.servers]).toEqual([null, null, null]);
  expect(Object.keys(summary.failures)).toHaveLength(21);
  expect(summary.failures.other).toBe(80);
  expect(renderProgress(outcomes.progress(61_000, 0))).toBe("1:01  0 a second  p50 –  p99 –  100 failed");
});
