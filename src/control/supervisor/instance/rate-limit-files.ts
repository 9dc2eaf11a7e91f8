/**
 * The files in which workers count what rate limits allow (limit-file.ts): one for each limit that is in force. A limit that counts
 * otherwise than before (another rate, another key) gets another file, and begins anew; one that only refuses otherwise keeps its own.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { limitShape, type RateLimitSpec, type WorkerRateLimit } from "../../../protocol/rate-limit.ts";
import { ageTimes, agingPeriodMs } from "../../../shared/memory/rate-limits/aging.ts";
import { type GcraTerms, gcraTerms, unitsAt } from "../../../shared/memory/rate-limits/gcra.ts";
import type { HashSecret } from "../../../shared/memory/rate-limits/half-sip-hash.ts";
import { reclaimHeld } from "../../../shared/memory/rate-limits/held-places.ts";
import {
  createLimitFile,
  LimitCounter,
  type LimitMemory,
  reserveLimitWorkers,
} from "../../../shared/memory/rate-limits/limit-file.ts";
import { mostRefused, type RefusedKey } from "../../../shared/memory/rate-limits/refused-keys.ts";
import { countUsed } from "../../../shared/memory/rate-limits/used-keys.ts";
import type { LimitSharing } from "../../rate-limits/sharing.ts";

/** Keys that are shown of a limit. */
const MOST_SHOWN = 10;
/** A limit that found no room for a key is short of it for so long. */
const SHORT_MS = 10_000;

/** How limits are shared. */
export interface SharedLimits {
  readonly sharing: LimitSharing;
  /** The same for all instances. */
  readonly secret: (name: string) => HashSecret;
}

/** One limit as it is now. */
export interface RateLimitFigures {
  readonly spec: RateLimitSpec;
  /** By `LimitCounter`, since the start, over all workers and over all changes of the limit. */
  readonly counters: Float64Array;
  /** Keys that are counted now; a large table is estimated. */
  readonly keys: () => number;
  readonly mostRefused: () => readonly RefusedKey[];
}

interface LimitFile {
  readonly path: string;
  readonly limit: WorkerRateLimit;
  readonly memory: LimitMemory;
  /** When times that have passed were last set to now, milliseconds of the boot clock. */
  agedMs: number;
}

/** One instance's. */
export class RateLimitFiles {
  readonly #bootMs: () => number;
  readonly #secret: () => Uint32Array;
  readonly #sharing: LimitSharing | null;
  readonly #sharedSecret: (name: string) => HashSecret;
  #directory = "";
  #workers = 0;
  /** Names of files by what is counted there, those of changes that were only looked at among them. */
  readonly #names = new Map<string, string>();
  #next = 1;
  readonly #files = new Map<string, LimitFile>();
  #inForce: readonly WorkerRateLimit[] = [];
  /** What limits of these names have counted in files that are gone. */
  readonly #past = new Map<string, Float64Array>();
  #short = { count: 0, sinceMs: Number.NEGATIVE_INFINITY };

  /**
   * @param bootMs the boot clock.
   * @param secret two words that nobody can guess.
   * @param sharing with other instances; `null` = there is no Redis.
   */
  constructor(bootMs: () => number, secret: () => Uint32Array, sharing: SharedLimits | null) {
    this.#bootMs = bootMs;
    this.#secret = secret;
    this.#sharing = sharing?.sharing ?? null;
    this.#sharedSecret = sharing?.secret ?? (() => ({ k0: 0, k1: 0 }));
  }

  /** The names of the files of limits, by theirs; nothing is made yet. */
  plan(limits: readonly RateLimitSpec[]): ReadonlyMap<string, string> {
    return new Map(
      limits.map((limit) => {
        const counted = whatIsCounted(limit);
        const file = this.#names.get(counted) ?? `rate-limit-${this.#next++}`;
        this.#names.set(counted, file);
        return [limit.name, file];
      }),
    );
  }

  /** Where files are from now on, and for how many workers. */
  open(directory: string, workers: number): void {
    this.#directory = directory;
    this.#workers = workers;
  }

  /** Makes the files that there are not yet. Throws an `Error` for the operator, and what is in force is as it was. */
  reserve(limits: readonly WorkerRateLimit[]): void {
    for (const limit of limits) {
      if (this.#files.has(limit.file)) continue;
      const path = join(this.#directory, limit.file);
      try {
        const memory = createLimitFile(path, limitShape(limit), this.#workers, this.#secretOf(limit));
        this.#files.set(limit.file, { path, limit, memory, agedMs: this.#bootMs() });
      } catch (cause) {
        rmSync(path, { force: true });
        throw noRoom(limit, cause);
      }
    }
  }

  /** These are in force. @param told resolves when all workers go by them: then the files of others are removed. */
  take(limits: readonly WorkerRateLimit[], told: Promise<void>): void {
    this.#inForce = limits;
    const shared = limits.filter((limit) => limit.shared !== null && limit.mode !== "off");
    this.#sharing?.set(shared.map((limit) => ({ limit, memory: this.#files.get(limit.file)!.memory })));
    void told.then(() => this.#removeUnused());
  }

  /** Makes room for workers 0 … `count`-1. Throws an `Error` for the operator. */
  reserveWorkers(count: number): void {
    if (count <= this.#workers) return;
    for (const { path, limit } of this.#files.values()) {
      try {
        reserveLimitWorkers(path, limitShape(limit), this.#workers, count);
      } catch (cause) {
        throw noRoom(limit, cause);
      }
    }
    this.#workers = count;
  }

  /** Gives back what the requests of a dead worker had. */
  reclaim(worker: number): void {
    if (worker >= this.#workers) return;
    for (const { memory, limit } of this.#files.values()) {
      if (limit.quota.kind === "concurrent") reclaimHeld(memory, worker);
    }
  }

  /** Keeps times from lying ahead again when units wrap around. To be called every few minutes. */
  age(): void {
    const bootMs = this.#bootMs();
    for (const file of this.#files.values()) {
      const terms = termsOf(file.limit);
      if (terms === null || bootMs - file.agedMs < agingPeriodMs(terms)) continue;
      ageTimes(file.memory, terms, bootMs);
      file.agedMs = bootMs;
    }
  }

  /** The limits in force, in order. */
  figures(): RateLimitFigures[] {
    const bootMs = this.#bootMs();
    return this.#inForce.flatMap((spec) => {
      const file = this.#files.get(spec.file);
      if (file === undefined) return [];
      const counters = this.#past.get(spec.name)?.slice() ?? new Float64Array(LimitCounter.LENGTH);
      this.#add(counters, file.memory);
      const { memory } = file;
      const keys = (): number => countUsed(memory, nowOf(spec, bootMs));
      const refused = () => mostRefused(memory.workers.slice(0, this.#workers), MOST_SHOWN);
      return [{ spec, counters, keys, mostRefused: refused }];
    });
  }

  /** A limit had no room for a key lately: it forgot another one, or did not count a request. */
  get short(): boolean {
    let count = 0;
    for (const { file } of this.#inForce) {
      const memory = this.#files.get(file)?.memory;
      if (memory === undefined) continue;
      for (const { counters } of memory.workers.slice(0, this.#workers)) {
        count += counters[LimitCounter.FORGOTTEN] + counters[LimitCounter.UNCOUNTED];
      }
    }
    if (count > this.#short.count) this.#short.sinceMs = this.#bootMs();
    this.#short.count = count;
    return this.#bootMs() - this.#short.sinceMs < SHORT_MS;
  }

  /** Why Redis is away that limits are shared by; `null` = it is there, or nothing is shared. */
  get away(): string | null {
    if (this.#sharing !== null) return this.#sharing.away;
    return this.#inForce.some(({ shared }) => shared !== null) ? "REDIS_ADDR needs a restart" : null;
  }

  /** How many instances share limits, this one included. */
  get instances(): number {
    return this.#sharing?.instances ?? 1;
  }

  stop(): void {
    this.#sharing?.stop();
  }

  /** Instances that share a limit have to hash its keys alike. */
  #secretOf({ name, shared }: RateLimitSpec): HashSecret {
    if (shared !== null) return this.#sharedSecret(name);
    const [k0, k1] = this.#secret();
    return { k0, k1 };
  }

  #removeUnused(): void {
    const used = new Set(this.#inForce.map(({ file }) => file));
    for (const [name, { path, limit, memory }] of this.#files) {
      if (used.has(name)) continue;
      const past = this.#past.get(limit.name) ?? new Float64Array(LimitCounter.LENGTH);
      this.#add(past, memory);
      this.#past.set(limit.name, past);
      this.#files.delete(name);
      rmSync(path, { force: true });
    }
    for (const [counted, name] of this.#names) if (!used.has(name)) this.#names.delete(counted);
    const names = new Set(this.#inForce.map(({ name }) => name));
    for (const name of this.#past.keys()) if (!names.has(name)) this.#past.delete(name);
  }

  #add(to: Float64Array, { workers }: LimitMemory): void {
    for (let index = 0; index < this.#workers; index++) {
      const { counters } = workers[index];
      for (let word = 0; word < LimitCounter.LENGTH; word++) to[word] += counters[word];
    }
  }
}

/** What must be the same for what was counted to mean the same. */
function whatIsCounted({ name, quota, key, ipv4Prefix, ipv6Prefix, maxKeys, shared }: RateLimitSpec): string {
  return JSON.stringify([name, quota, key, ipv4Prefix, ipv6Prefix, maxKeys, shared]);
}

/** `null` = requests at once are limited. */
function termsOf({ quota }: RateLimitSpec): GcraTerms | null {
  return quota.kind === "concurrent" ? null : gcraTerms(quota.requests, quota.periodMs, quota.burst);
}

/** How to tell which values of its table are in use. */
function nowOf(limit: RateLimitSpec, bootMs: number) {
  const terms = termsOf(limit);
  return terms === null ? null : { terms, now: unitsAt(terms, bootMs) };
}

function noRoom({ name }: RateLimitSpec, cause: unknown): Error {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why =
    code === "ENOSPC"
      ? "the file system of the shared memory is full: give it more, or the limit fewer max_keys"
      : message;
  return new Error(`rate_limits.${name}: no room for its keys: ${why}`, { cause });
}
