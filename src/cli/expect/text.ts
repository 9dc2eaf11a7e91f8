/** What is expected of strategies, for people. */
import type { Estimate, Expectations, StrategyExpectation } from "../../shared/expectations.ts";
import { visible } from "../../shared/visible-text.ts";
import { columns } from "../columns.ts";

/** What was replayed, what came of it, what limits it. */
export function expectationsText(found: Expectations): string {
  const { expectations, reasons, notes, left_out: leftOut } = found;
  const parts = [columns(factsOf(found)), found.sentence];
  if (reasons.length > 0) parts.push(listed(reasons));
  if (expectations.length > 0) parts.push(tableOf(found));
  const limits = [...notes, ...leftOut.map(({ strategy, why }) => `Nothing is said of ${strategy}: ${why}`)];
  if (limits.length > 0) parts.push(listed(limits));
  return parts.join("\n\n");
}

function factsOf({ pool, window, requests, single_requests: single, ran }: Expectations): string[][] {
  const facts = [["Pool", visible(pool)]];
  if (window === null) return facts;
  facts.push(["Traffic", `${window.since} to ${window.until}`]);
  facts.push(["Requests", single < requests ? `${requests}, of these ${single} one by one` : String(requests)]);
  facts.push(["Balanced by", ran ?? "not known"]);
  return facts;
}

function tableOf({ expectations, measured }: Expectations): string {
  const head = ["STRATEGY", "MEAN", "P50", "P99", "ERRORS"];
  const rows = expectations.flatMap((one) => {
    const row = [one.ran ? `${one.strategy} (ran)` : one.strategy, ...timesOf(one), range(one.error_share, share)];
    if (!one.ran || measured === null) return [row];
    const { mean_ms: mean, p50_ms: p50, p99_ms: p99, error_share: errors } = measured;
    return [row, ["  as it really was", time(mean), time(p50), time(p99), share(errors)]];
  });
  const table = columns([head, ...rows]);
  return `${table}\nMilliseconds, and where 95 of 100 lie. A failed request counts as at least 1000 ms.`;
}

function timesOf({ mean_ms: mean, p50_ms: p50, p99_ms: p99, overloaded }: StrategyExpectation): string[] {
  if (mean === null || p50 === null || p99 === null) return [`overloads ${visible(overloaded.join(", "))}`, "-", "-"];
  return [mean, p50, p99].map((estimate) => range(estimate, time));
}

function range({ value, low, high }: Estimate, shown: (of: number) => string): string {
  const [middle, least, most] = [value, low, high].map(shown);
  return least === most ? middle : `${middle} (${least} to ${most})`;
}

function time(ms: number): string {
  return ms.toFixed(ms >= 100 ? 0 : ms >= 1 ? 1 : 2);
}

function share(of: number): string {
  return `${(100 * of).toFixed(2)} %`;
}

function listed(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${visible(sentence)}`).join("\n");
}
