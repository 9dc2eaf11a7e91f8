/** An explanation in a few sentences. */
import type { ExplainedAttempt } from "../../shared/explanation/explanation.ts";
import type { RecentRequest } from "../../shared/explanation/recent.ts";

/** What became of the request. */
export function summaryOf(request: RecentRequest, attempts: readonly ExplainedAttempt[]): string {
  return [...waitOf(request), ...attemptsOf(request, attempts), endOf(request)].join(" ");
}

/** Why it waited; `null` = it did not. */
export function waitReason({ waited_ms, pool }: RecentRequest): string | null {
  if (waited_ms === 0) return null;
  return `all servers${pool === null ? "" : ` of the pool ${pool}`} that could be asked were at their limit of requests in flight (capacity)`;
}

function waitOf(request: RecentRequest): string[] {
  const reason = waitReason(request);
  return reason === null ? [] : [`It waited ${ms(request.waited_ms)} in the queue: ${reason}.`];
}

function attemptsOf({ attempt_count }: RecentRequest, attempts: readonly ExplainedAttempt[]): string[] {
  if (attempt_count === 0) return ["No server was asked."];
  const sentences = attempts.map((attempt) => {
    const { kind, strategy, why, result, candidate_count } = attempt;
    const server = attempt.url ?? `server ${attempt.server_id}, which has gone,`;
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
