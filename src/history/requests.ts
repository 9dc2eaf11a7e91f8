/** Single requests, of those that were kept: a sample, with the failed and the slow ones first. */

import { isoMoment } from "../shared/moments.ts";
import type { HistoryReader, RequestReason, RequestRow } from "../storage/history-store.ts";
import type { RequestOrder, RequestsQuestion } from "./questions.ts";
import { type Scope, scopeOf } from "./traffic/traffic.ts";

/** A request. `null` = it has none, or it is not known. */
export interface ShownRequest {
  readonly at: string;
  readonly pool: string;
  readonly route: string;
  readonly server: string | null;
  readonly address: string | null;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly error: string | null;
  readonly duration_ms: number;
  readonly wait_ms: number;
  readonly head_ms: number | null;
  readonly attempts: number;
  readonly in_flight: number | null;
  readonly response_bytes: number;
  readonly request_id: string;
  readonly client: string;
  readonly reason: RequestReason;
  /** How many requests it stands for. */
  readonly weight: number;
}

/** The answer. */
export interface RequestsAnswer extends Scope {
  readonly subject: "requests";
  readonly order: RequestOrder;
  /** Those that were kept of what was asked for, and how many requests they stand for. */
  readonly found: number;
  readonly found_weight: number;
  readonly requests: readonly ShownRequest[];
  readonly notes: readonly string[];
}

/** How `a` and `b` stand in an answer. */
const ORDERS: Readonly<Record<RequestOrder, (a: RequestRow, b: RequestRow) => number>> = {
  newest: (a, b) => b.atMs - a.atMs,
  oldest: (a, b) => a.atMs - b.atMs,
  slowest: (a, b) => b.durationMs - a.durationMs,
};

/** Answers. All that is kept of the time is read; what is held is bounded by the limit. */
export async function askRequests(reader: HistoryReader, question: RequestsQuestion): Promise<RequestsAnswer> {
  const { sinceMs, untilMs, instance, pool, server, route, reasons, order, limit } = question;
  const asked = { sinceMs, untilMs, instance, pool, server, route, ...(reasons.length === 0 ? {} : { reasons }) };
  let best: RequestRow[] = [];
  let found = 0;
  let weight = 0;
  const cut = (): void => {
    best = best.sort(ORDERS[order]).slice(0, limit);
  };
  for await (const page of reader.requests(asked)) {
    for (const row of page) {
      if (!isMeant(row, question)) continue;
      found++;
      weight += row.weight;
      best.push(row);
    }
    if (best.length > 2 * limit) cut();
  }
  cut();
  return {
    subject: "requests",
    ...scopeOf(question),
    order,
    found,
    found_weight: Math.round(weight),
    requests: best.map(shownRequest),
    notes: found > 0 ? [] : [nothing(question)],
  };
}

function isMeant({ requestId, status }: RequestRow, question: RequestsQuestion): boolean {
  if (question.id !== null && requestId !== question.id) return false;
  if (question.status === null) return true;
  return question.status < 10 ? Math.floor(status / 100) === question.status : status === question.status;
}

function nothing({ id }: RequestsQuestion): string {
  const kept =
    "kept is a sample (REQUEST_LOG_MAX_ROWS_PER_SECOND), failed and slow ones first, for HISTORY_DETAIL_HOURS";
  return id === null ? `no such request was kept: ${kept}` : `no request "${id}" was kept of that time: ${kept}`;
}

function shownRequest(row: RequestRow): ShownRequest {
  const known = (text: string) => (text === "" ? null : text);
  return {
    at: isoMoment(row.atMs),
    pool: row.pool,
    route: row.route,
    server: known(row.server),
    address: known(row.address),
    method: row.method,
    path: row.path,
    status: row.status,
    error: known(row.error),
    duration_ms: millis(row.durationMs),
    wait_ms: millis(row.waitMs),
    head_ms: Number.isNaN(row.headMs) ? null : millis(row.headMs),
    attempts: row.attempts,
    in_flight: row.inFlight < 0 ? null : row.inFlight,
    response_bytes: row.responseBytes,
    request_id: row.requestId,
    client: row.client,
    reason: row.reason,
    weight: Math.round(row.weight * 1000) / 1000,
  };
}

function millis(value: number): number {
  return Math.round(value * 1000) / 1000;
}
