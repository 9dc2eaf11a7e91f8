/** Answers what became of requests of late, from what workers keep in memory. */
import type { ExplainedAttempt, Explanation } from "../../shared/explanation/explanation.ts";
import type { LearnedAttempt, LearnedExplanation } from "../../shared/explanation/learned.ts";
import type {
  ExplainMemoryStatus,
  RecentErrors,
  RecentRequest,
  RecentRequests,
} from "../../shared/explanation/recent.ts";
import { ExplainFigure, type ExplainMemory, ExplainRing } from "../../shared/memory/layout/explain.ts";
import { DetailReason } from "../../shared/memory/layout/history.ts";
import { ApiError } from "../admin/responses.ts";
import { describeAttempt } from "./attempt.ts";
import { LearnerSays, withLearned } from "./learner-says.ts";
import type { Pieces } from "./pieces.ts";
import {
  attemptPlaces,
  describeRequest,
  endedMs,
  type FoundRecord,
  failureMessage,
  failureOf,
  type Meanings,
  reasonOf,
  standsFor,
} from "./record.ts";
import { ALL_RINGS, IdMatch, KEPT_RING, newestFirst, oldestMs } from "./search.ts";
import { summaryOf, waitReason } from "./summary.ts";

/** Errors are counted over so long. */
const COUNTED_MS = 10 * 60_000;
/** Requests of one id that are told of. */
const SAME_ID = 16;

/** Which requests are wanted. */
export interface RecentQuery {
  readonly reason: "failed" | "slow" | "any";
  readonly pool: string | null;
  /** Its id, its URL, or the host and port of it. */
  readonly server: string | null;
  readonly route: string | null;
  readonly limit: number;
}

/** What is known of memory. */
export interface ExplainView {
  readonly memory: ExplainMemory;
  /** Workers that have written anything. */
  readonly workers: () => number;
  readonly enabled: () => boolean;
  readonly meanings: () => Meanings;
  /** Of the boot clock. */
  readonly bootMs: () => number;
  readonly bytes: () => { readonly taken: number; readonly limit: number };
  /** What the learner remembers; rejects with an `ApiError` where there is nothing. */
  readonly learned: (requestId: string, pool: string | null) => Promise<LearnedExplanation>;
  readonly pieces: Pieces;
}

/** Each throws an `ApiError` when there is no answer. */
export class ExplainResponses {
  readonly #view: ExplainView;

  constructor(view: ExplainView) {
    this.#view = view;
  }

  /** `GET /api/v1/explain/<request id>`. @param pool only attempts at its servers. */
  async explain(id: string, pool: string | null, signal: AbortSignal): Promise<Explanation> {
    const { enabled, pieces, learned } = this.#view;
    const found = enabled() ? await pieces.do(this.#find(id), signal) : null;
    const asks = found === null || found.attempts.some(({ strategy }) => strategy === "ml");
    const says = asks ? await LearnerSays.of(learned(id, pool)) : LearnerSays.NOTHING;
    if (found === null) {
      if (says.explanation === null) throw enabled() ? this.#unknown(id, pool) : (says.error ?? this.#unknown(id));
      if (enabled()) return onlyLearned(says.explanation, "memory has nothing else of it any more");
      return onlyLearned(says.explanation, "EXPLAIN=off: only the learner has followed it");
    }
    const attempts = withLearned(found.attempts, says.explanation?.attempts ?? []);
    const shown = pool === null ? attempts : attempts.filter((attempt) => attempt.pool === pool);
    if (shown.length === 0 && pool !== null) throw this.#unknown(id, pool);
    return {
      ...found.request,
      summary: summaryOf(found.request, found.attempts),
      wait_reason: waitReason(found.request, found.attempts),
      attempts: shown,
      same_id: found.others,
      learner: says.error === null ? null : says.error.message,
    };
  }

  /** `GET /api/v1/requests`. */
  async requests(query: RecentQuery, signal: AbortSignal): Promise<RecentRequests> {
    this.#requireEnabled();
    const requests = await this.#view.pieces.do(this.#list(query), signal);
    return { memory: this.status(), requests };
  }

  /** `GET /api/v1/errors`. */
  async errors(query: RecentQuery, signal: AbortSignal): Promise<RecentErrors> {
    this.#requireEnabled();
    const { bootMs, meanings } = this.#view;
    const sinceMs = bootMs() - COUNTED_MS;
    const counts = await this.#view.pieces.do(this.#count(sinceMs), signal);
    const errors = await this.#view.pieces.do(this.#list({ ...query, reason: "failed" }), signal);
    const knownMs = oldestMs(this.#view.memory, this.#view.workers(), ExplainRing.KEPT);
    return {
      memory: this.status(),
      counted_since: knownMs === null ? null : timestamp(Math.max(knownMs, sinceMs) + meanings().wallOffsetMs),
      counts: [...counts].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count),
      errors: errors.map((error) => ({ ...error, message: failureMessage(error.failure ?? "other", error.status) })),
    };
  }

  /** How far back memory goes. */
  status(): ExplainMemoryStatus {
    const { memory, workers, enabled, meanings, bytes } = this.#view;
    const count = workers();
    const { wallOffsetMs } = meanings();
    const since = (ring: ExplainRing): string | null => {
      const ms = oldestMs(memory, count, ring);
      return ms === null ? null : timestamp(ms + wallOffsetMs);
    };
    let oneIn = 1;
    let slowMs = 0;
    for (let worker = 0; worker < count; worker++) {
      const at = worker * ExplainFigure.LENGTH;
      oneIn = Math.max(oneIn, memory.figures[at + ExplainFigure.USUAL_ONE_IN]);
      slowMs = Math.max(slowMs, memory.figures[at + ExplainFigure.SLOW_MS]);
    }
    const usual = oneIn === 1 ? "every request is remembered" : `of usual requests 1 in ${oneIn} is remembered`;
    return {
      enabled: enabled(),
      usual_since: since(ExplainRing.USUAL),
      failed_since: since(ExplainRing.KEPT),
      usual_one_in: oneIn,
      slow_ms: slowMs > 0 ? Math.round(slowMs * 1000) / 1000 : null,
      bytes: bytes().taken,
      limit_bytes: bytes().limit,
      note: enabled() ? `${usual}; failed and slow ones are kept longest` : "EXPLAIN=off: nothing is kept",
    };
  }

  #requireEnabled(): void {
    if (this.#view.enabled()) return;
    throw new ApiError(404, "not_kept", "requests are not kept in memory: EXPLAIN=off");
  }

  *#find(id: string): Generator<null, Found | null> {
    const { memory, workers, meanings } = this.#view;
    const match = new IdMatch(id);
    const means = meanings();
    let found: { request: RecentRequest; attempts: ExplainedAttempt[] } | null = null;
    const others: RecentRequest[] = [];
    for (const record of newestFirst(memory, workers(), ALL_RINGS)) {
      if (record === null) yield null;
      else if (match.takes(record)) {
        const request = describeRequest(record, means);
        if (found !== null) others.push(request);
        else {
          const attempts = attemptPlaces(record).map((place) => describeAttempt(record, place, means));
          found = { request, attempts };
        }
        if (others.length >= SAME_ID) break;
      }
    }
    return found === null ? null : { ...found, others };
  }

  *#list({ reason, pool, server, route, limit }: RecentQuery): Generator<null, RecentRequest[]> {
    const { memory, workers, meanings } = this.#view;
    const means = meanings();
    const list: RecentRequest[] = [];
    const rings = reason === "any" ? ALL_RINGS : KEPT_RING;
    for (const record of newestFirst(memory, workers(), rings)) {
      if (record === null) {
        yield null;
        continue;
      }
      if (reason !== "any" && reasonOf(record) !== REASONS[reason]) continue;
      const request = describeRequest(record, means);
      if (pool !== null && request.pool !== pool) continue;
      if (route !== null && request.route !== route) continue;
      if (server !== null && !this.#asked(record, server, means)) continue;
      list.push(request);
      if (list.length >= limit) break;
    }
    return list;
  }

  /** Was it asked in any attempt? */
  #asked(record: FoundRecord, server: string, means: Meanings): boolean {
    return attemptPlaces(record).some((place) => {
      const known = means.names.server(record.row.words[place] & 0xff_ffff);
      if (known === undefined) return false;
      return String(known.id) === server || known.url === server || known.url.endsWith(`//${server}`);
    });
  }

  /** How often what went wrong since then. */
  *#count(sinceMs: number): Generator<null, Map<string, number>> {
    const { memory, workers } = this.#view;
    const counts = new Map<string, number>();
    for (const record of newestFirst(memory, workers(), KEPT_RING)) {
      if (record === null) {
        yield null;
        continue;
      }
      if (endedMs(record) < sinceMs) break;
      const code = reasonOf(record) === DetailReason.FAILED ? failureOf(record) : null;
      if (code !== null) counts.set(code, (counts.get(code) ?? 0) + standsFor(record));
    }
    return counts;
  }

  #unknown(id: string, pool: string | null = null): ApiError {
    const { usual_since, failed_since, note } = this.status();
    const since =
      usual_since === null && failed_since === null
        ? "nothing is in memory yet"
        : `memory goes back to ${usual_since ?? "now"}, of failed and slow ones to ${failed_since ?? "now"} (${note})`;
    return new ApiError(
      404,
      "unknown_request",
      `no worker remembers the request ${id}${pool === null ? "" : ` in the pool ${pool}`}: it is too long ago, is still under way, or was not kept; ${since}`,
    );
  }
}

const REASONS = { failed: DetailReason.FAILED, slow: DetailReason.SLOW } as const;

interface Found {
  readonly request: RecentRequest;
  readonly attempts: readonly ExplainedAttempt[];
  readonly others: readonly RecentRequest[];
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** Of a request that only the learner has followed. */
function onlyLearned({ request_id, attempts }: LearnedExplanation, why: string): Explanation {
  const first = attempts[0];
  const known = attempts.map(asExplained);
  const request: RecentRequest = {
    request_id,
    began_at: first?.at ?? new Date(0).toISOString(),
    duration_ms: 0,
    waited_ms: 0,
    worker: first?.worker ?? 0,
    route: null,
    pool: first?.pool ?? null,
    method: "",
    path: "",
    client: null,
    status: 0,
    failure: null,
    proxy_status: null,
    kept_as: "usual",
    server: attempts.at(-1)?.url ?? null,
    server_id: attempts.at(-1)?.server_id ?? null,
    strategy: "ml",
    choice: known.at(-1)?.choice ?? null,
    attempt_count: attempts.length,
    stands_for: 1,
  };
  return {
    ...request,
    summary: `Only its attempts are known: ${why}.`,
    wait_reason: null,
    attempts: known,
    same_id: [],
    learner: null,
  };
}

function asExplained(attempt: LearnedAttempt, index: number): ExplainedAttempt {
  const { outcome, candidates, ineligible } = attempt;
  return {
    ...attempt,
    kind: index === 0 ? "first" : "retry",
    pool: attempt.pool ?? null,
    strategy: "ml",
    choice: "unknown",
    why: `by the policy ${attempt.policy}, arm ${attempt.arm}`,
    scale: null,
    held_ms: 0,
    expected_cost: null,
    request_class: null,
    sent_anyway: false,
    connect_ms: null,
    head_ms: outcome?.latency_ms ?? null,
    total_ms: null,
    status: null,
    failure: null,
    responded: false,
    result: outcome === null ? "no outcome is known" : outcome.failed ? "failed" : "answered",
    candidates: candidates.map((candidate) => ({ ...candidate, weight: candidate.parts?.weight ?? 1, full: false })),
    ineligible_count: ineligible.length,
    ineligible_by_state: {},
  };
}
