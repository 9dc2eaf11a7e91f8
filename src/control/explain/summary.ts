/** An explanation in a few sentences. */
import type { ExplainedAttempt } from "../../shared/explanation/explanation.ts";
import type { RecentRequest } from "../../shared/explanation/recent.ts";
import { Ineligible } from "../../shared/memory/layout/explain.ts";
import { INELIGIBLE } from "./words.ts";

/** As `INELIGIBLE` calls it. */
const AT_LIMIT = INELIGIBLE[Ineligible.AT_LIMIT][0];

/** What became of the request. */
export function summaryOf(request: RecentRequest, attempts: readonly ExplainedAttempt[]): string {
  return [...waitOf(request, attempts), ...attemptsOf(request, attempts), endOf(request)].join(" ");
}

/** Why it waited; `null` = it did not. */
export function waitReason(request: RecentRequest, attempts: readonly ExplainedAttempt[]): string | null {
  const { waited_ms, pool } = request;
  if (waited_ms === 0) return null;
  const held = attempts.find(({ held_ms }) => held_ms > 0);
  if (held !== undefined) return heldReason(held);
  return `all servers${ofPool(pool)} that could be asked were at their limit of requests in flight (capacity)`;
}

function heldReason(attempt: ExplainedAttempt): string {
  const { pool, candidate_count, ineligible_by_state, sent_anyway } = attempt;
  // Those that had a place by then, and those that had none still.
  const all = candidate_count + (ineligible_by_state[AT_LIMIT] ?? 0);
  const servers = all === 1 ? "the only server" : `all ${all} servers`;
  const busy = `${servers}${ofPool(pool)} that could be asked worked on as many requests as was learned that they can`;
  return sent_anyway
    ? `${busy}, and none of them had a place for it before its patience was over, so that it was sent anyway`
    : `${busy}; then ${serverOf(attempt)} had a place`;
}

function ofPool(pool: string | null): string {
  return pool === null ? "" : ` of the pool ${pool}`;
}

function waitOf(request: RecentRequest, attempts: readonly ExplainedAttempt[]): string[] {
  const reason = waitReason(request, attempts);
  if (reason === null) return [];
  const how = attempts.some(({ held_ms }) => held_ms > 0) ? "It was held for" : "It waited in the queue for";
  return [`${how} ${ms(request.waited_ms)}: ${reason}.`];
}

function serverOf({ url, server_id }: ExplainedAttempt): string {
  return url ?? `server ${server_id}, which has gone,`;
}

function attemptsOf({ attempt_count }: RecentRequest, attempts: readonly ExplainedAttempt[]): string[] {
  if (attempt_count === 0) return ["No server was asked."];
  const sentences = attempts.map((attempt) => {
    const { kind, strategy, why, result, candidate_count } = attempt;
    const server = serverOf(attempt);
    const of = candidate_count > 1 ? ` of ${candidate_count} candidates` : "";
    const begin = BEGINNINGS[kind];
    return `${begin} ${server} (${strategy}${of}): ${why}; it ${result}.`;
  });
  const more = attempt_count - attempts.length;
  return more > 0 ? [...sentences, `${more} more attempts followed.`] : sentences;
}

const BEGINNINGS = {
  first: "It went to",
  retry: "It was tried again at",
  hedge: "A second attempt beside the first, which was slow, went to",
  authorise: "Whether it may pass was asked at",
} as const;

function endOf({ status, failure, duration_ms, stands_for }: RecentRequest): string {
  const what = failure === null || failure === "server_error" ? "" : ` (${failure})`;
  const more = stands_for > 1 ? ` It stands for about ${stands_for} like it.` : "";
  return `The client got ${status}${what} after ${ms(duration_ms)} in all.${more}`.replace(
    /The client got 499 \(client_aborted\) after/,
    "The client left (499) after",
  );
}

function ms(value: number): string {
  return `${Number(value.toPrecision(3))} ms`;
}
