import { expect, test } from "bun:test";
import { summaryOf, waitReason } from "../../../../src/control/explain/summary.ts";
import type { ExplainedAttempt } from "../../../../src/shared/explanation/explanation.ts";
import type { RecentRequest } from "../../../../src/shared/explanation/recent.ts";

const request = (waited_ms: number) =>
  ({
    waited_ms,
    pool: "shop",
    status: 200,
    failure: null,
    duration_ms: 40,
    stands_for: 1,
    attempt_count: 1,
  }) as RecentRequest;
const attempt = (more: Partial<ExplainedAttempt> = {}) =>
  ({
    kind: "first",
    pool: "shop",
    url: "http://10.0.0.3:80",
    strategy: "ml",
    why: "the model expected the lowest cost of it",
    result: "answered 200 after 28 ms",
    candidate_count: 1,
    ineligible_by_state: { at_limit: 4, down: 1 },
    held_ms: 12,
    sent_anyway: false,
    ...more,
  }) as ExplainedAttempt;

test("a request that was held says for how long, that all were busy, and whose place it got", () => {
  expect(summaryOf(request(12), [attempt()])).toBe(
    "It was held for 12 ms: all 5 servers of the pool shop that could be asked worked on as many requests as was learned that " +
      "they can; then http://10.0.0.3:80 had a place. It went to http://10.0.0.3:80 (ml): the model expected the lowest cost " +
      "of it; it answered 200 after 28 ms. The client got 200 after 40 ms in all.",
  );
});

test("one whose patience was over says that nobody had a place", () => {
  const reason = waitReason(request(250), [
    attempt({ candidate_count: 3, ineligible_by_state: {}, sent_anyway: true }),
  ]);
  expect(reason).toContain("all 3 servers");
  expect(reason).toContain("before its patience was over, so that it was sent anyway");
});

test("one that waited for a hard limit says that, and one that did not wait says nothing", () => {
  expect(waitReason(request(9), [attempt({ held_ms: 0 })])).toContain("(capacity)");
  expect(waitReason(request(9), [])).toContain("(capacity)");
  expect(waitReason(request(0), [attempt({ held_ms: 0 })])).toBeNull();
});
