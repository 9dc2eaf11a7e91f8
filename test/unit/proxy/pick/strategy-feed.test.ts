import { expect, test } from "bun:test";
import { Standstills } from "../../../../src/balancing/standstills.ts";
import { OutcomeRecord } from "../../../../src/proxy/exchange/attempts/outcome-record.ts";
import { StrategyFeed } from "../../../../src/proxy/pick/strategy-feed.ts";

test("a strategy hears of latencies without what the worker stood still for", () => {
  const standstills = new Standstills();
  const heard: number[][] = [];
  const strategy = { onOutcome: (...told: unknown[]) => void heard.push(told.slice(0, 5).map(Number)) };
  const feed = new StrategyFeed(strategy, standstills);
  const attempt = new OutcomeRecord();
  attempt.begin(7, 507, 1, 0, 3, 20);
  standstills.add(25, 525);
  attempt.head(200, 532);
  feed.onHead(attempt, 532);
  expect(heard).toEqual([[7, 12, 0, 532, 3]]);
});
