/** What is in a log, before it is read for good: its pools, servers, kinds of requests, its span, and what cannot be read. */
import { ClassCounter, requestPattern } from "../classes.ts";
import { describeSpan, MAX_SERVERS, NothingToReplayError, type ReadingWindow } from "../reading.ts";
import type { LogLine } from "./log-format.ts";

/** Pools that are counted; a log that has more of them has something else in that field. */
const MAX_POOLS = 64;
/**
 * A request that took so long, milliseconds, is no beginning of a recording, unless all did: of what else came with it, the log,
 * which is written at the end of requests, may have nothing.
 */
const LONG_MS = 60_000;
/** Of a line that is shown. */
const SHOWN_CHARACTERS = 160;

/** One pool of servers in a log. */
export interface SurveyedPool {
  readonly name: string;
  requests: number;
  readonly servers: Map<string, number>;
  readonly classes: ClassCounter;
  /** When the first came; those that took very long may have come before. */
  fromMs: number;
  toMs: number;
}

/** A line that could not be read. */
export interface UnreadableLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly problem: string;
  readonly text: string;
}

export class Survey {
  readonly #window: ReadingWindow;
  readonly #pools = new Map<string, SurveyedPool>();
  /** When the first of those came that took very long. */
  readonly #longFromMs = new Map<SurveyedPool, number>();
  /** Of all pools, in the window or not. */
  requests = 0;
  /** Answered without a server. */
  local = 0;
  unreadable = 0;
  firstUnreadable: UnreadableLine | null = null;
  lines = 0;
  #oldestMs = Number.POSITIVE_INFINITY;
  #newestMs = Number.NEGATIVE_INFINITY;

  constructor(window: ReadingWindow) {
    this.#window = window;
  }

  /** Counts a line that was read. */
  take(line: LogLine): void {
    this.lines++;
    if (line.kind === "local") this.local++;
    if (line.kind !== "request") return;
    this.requests++;
    this.#oldestMs = Math.min(this.#oldestMs, line.atMs);
    this.#newestMs = Math.max(this.#newestMs, line.atMs);
    if (line.atMs < this.#window.sinceMs || line.atMs >= this.#window.untilMs) return;
    const pool = this.#pools.get(line.pool) ?? this.#newPool(line.pool);
    pool.requests++;
    if (line.waitMs + line.latencyMs < LONG_MS) pool.fromMs = Math.min(pool.fromMs, line.atMs);
    else this.#longFromMs.set(pool, Math.min(this.#longFromMs.get(pool) ?? line.atMs, line.atMs));
    pool.toMs = Math.max(pool.toMs, line.atMs);
    pool.classes.count(requestPattern(line.method, line.target));
    if (line.server === "") return;
    const before = pool.servers.get(line.server);
    if (before === undefined && pool.servers.size >= MAX_SERVERS) throw tooManyServers(line.pool);
    pool.servers.set(line.server, (before ?? 0) + 1);
  }

  /** Counts a line that could not be read. */
  refuse(file: string, line: number, problem: string, text: string): void {
    this.lines++;
    this.unreadable++;
    this.firstUnreadable ??= { file, line, problem, text: text.slice(0, SHOWN_CHARACTERS) };
  }

  /** The pool to replay. Throws a `NothingToReplayError` when there is none, or when it is not clear which. */
  chosen(): SurveyedPool {
    const pool = this.#choose();
    if (!Number.isFinite(pool.fromMs)) pool.fromMs = this.#longFromMs.get(pool)!;
    return pool;
  }

  #choose(): SurveyedPool {
    const names = [...this.#pools.keys()].sort();
    const { pool: wanted } = this.#window;
    if (this.#pools.size === 0) throw new NothingToReplayError(this.#nothing());
    if (wanted !== null) {
      const pool = this.#pools.get(wanted);
      if (pool !== undefined) return pool;
      const there = names.filter((name) => name !== "");
      throw new NothingToReplayError(
        there.length === 0
          ? `the log does not say which pool a request was for, so --pool cannot choose one (docs/replay.md says how to log it)`
          : `the log has no requests for the pool "${wanted}", but for ${there.join(", ")}`,
      );
    }
    if (this.#pools.size === 1) return [...this.#pools.values()][0];
    const counted = names.map((name) => `${name || "(none)"} (${this.#pools.get(name)!.requests})`);
    throw new NothingToReplayError(
      `the log has requests for ${names.length} pools: ${counted.join(", ")}; --pool says which one to replay`,
    );
  }

  #newPool(name: string): SurveyedPool {
    if (this.#pools.size >= MAX_POOLS) {
      throw new NothingToReplayError(`the log has requests for more than ${MAX_POOLS} pools: --pool says which`);
    }
    const pool = {
      name,
      requests: 0,
      servers: new Map<string, number>(),
      classes: new ClassCounter(),
      fromMs: Number.POSITIVE_INFINITY,
      toMs: Number.NEGATIVE_INFINITY,
    };
    this.#pools.set(name, pool);
    return pool;
  }

  #nothing(): string {
    if (this.requests > 0) {
      return `the log has no requests in that window; those it has are ${describeSpan(this.#oldestMs, this.#newestMs)}`;
    }
    if (this.firstUnreadable !== null) {
      return `no line of the log can be read: ${describeUnreadable(this.firstUnreadable)}; docs/replay.md has the formats`;
    }
    if (this.local > 0) return `all ${this.local} requests in the log were answered without a server`;
    return "the log has no requests: no line of it is one in this format (docs/replay.md has the formats)";
  }
}

/** `access.log, line 3: it does not say $msec: "127.0.0.1 - - …"` */
export function describeUnreadable({ file, line, problem, text }: UnreadableLine): string {
  return `${file}, line ${line}: ${problem}: ${JSON.stringify(text)}`;
}

function tooManyServers(pool: string): Error {
  const where = pool === "" ? "the log" : `the pool ${pool}`;
  return new NothingToReplayError(`${where} has more than ${MAX_SERVERS} servers, more than a pool may have`);
}
