import { expect, test } from "bun:test";
import { type PollOutcome, UsagePolls } from "../../../src/health/usage-polls.ts";

const INTERVAL_MS = 5_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** When a server is asked within a day, looked for at each interval; `answer` is what comes of each poll. */
function asked(answer: (poll: number) => PollOutcome): number[] {
  const polls = new UsagePolls();
  const times: number[] = [];
  for (let nowMs = 0; nowMs < DAY_MS; nowMs += INTERVAL_MS) {
    if (!polls.isDue(nowMs)) continue;
    times.push(nowMs / INTERVAL_MS);
    polls.onOutcome(answer(times.length - 1), nowMs, INTERVAL_MS);
  }
  return times;
}

test("a server that tells its usage is asked each time", () => {
  expect(asked(() => "offered").length).toBe(DAY_MS / INTERVAL_MS);
});

test("one that does not is asked once an hour", () => {
  expect(asked(() => "none").length).toBe(24);
});

test("one that fails is asked ever more seldom, until once an hour", () => {
  const times = asked(() => "failed");
  expect(times.slice(0, 5)).toEqual([0, 1, 3, 7, 15]);
  expect(times.length).toBeLessThan(40);
});

test("another answer from one that told its usage before is a fault that passes", () => {
  const times = asked((poll) => (poll === 1 || poll === 2 ? "none" : "offered"));
  expect(times.slice(0, 6)).toEqual([0, 1, 2, 4, 5, 6]);
});
