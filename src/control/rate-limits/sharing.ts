/**
 * Rate limits that several instances share. Every few milliseconds Redis is told what has passed here and lends what may pass next;
 * requests wait for none of it. When Redis does not answer, workers know within a second, each limit does what it says of that, and
 * it is tried again until it does.
 */
import type { RedisLink } from "../../cluster/redis/link.ts";
import type { WorkerRateLimit } from "../../protocol/rate-limit.ts";
import type { LimitMemory } from "../../shared/memory/rate-limits/limit-file.ts";
import { SharedPlaces } from "./places/shared-places.ts";
import { PRESENCE_SCRIPT } from "./presence-script.ts";
import { SharedRate } from "./requests/shared-rate.ts";
import { type Round, type SharedLimit, tellLost } from "./shared-limit.ts";

/** Between two rounds while keys are in use. */
const ROUND_MS = 10;
/** And while none is: not much longer, because a client's first requests often come together, and few of them pass before it was lent some. */
const QUIET_MS = 20;
/** Between two tries while it is away. */
const RETRY_MS = 250;
/** Away for so long it is said, unless all of the instance is alone, which has been said by then. */
const SAY_MS = 1500;
/** How often an instance says that it is there. */
const PRESENCE_MS = 1000;

/** What it is made from. */
export interface SharingOptions {
  readonly link: RedisLink;
  /** Which instances count together: those that call it alike. */
  readonly cluster: string;
  /** Which instance this is, for the others. */
  readonly id: string;
  /** The boot clock. */
  readonly bootMs: () => number;
  /** It has been said that Redis does not answer this instance. */
  readonly alone: () => boolean;
  readonly log: { warn(fields: object, text: string): void; info(fields: object, text: string): void };
}

/** One instance's. */
export class LimitSharing {
  readonly #options: SharingOptions;
  #limits: readonly SharedLimit[] = [];
  #instances = 1;
  #presentMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #running = false;
  #stopped = false;
  /** Why Redis does not answer, since when, and whether that was said here. */
  #away: string | null = null;
  #awaySinceMs = 0;
  #said = false;

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /** Why Redis is away; `null` = it is there, or nothing is shared. */
  get away(): string | null {
    return this.#limits.length === 0 ? null : this.#away;
  }

  get instances(): number {
    return this.#instances;
  }

  /** These are shared from now on. What is known of those that stay is kept. */
  set(limits: readonly { readonly limit: WorkerRateLimit; readonly memory: LimitMemory }[]): void {
    const before = new Map(this.#limits.map((shared) => [shared.file, shared]));
    this.#limits = limits.map(({ limit, memory }) => {
      const known = before.get(limit.file);
      if (known === undefined) tellLost(memory, this.#instances);
      return known ?? this.#make(limit, memory);
    });
    if (this.#limits.length > 0 && this.#timer === null && !this.#running) this.#next(0);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #make(limit: WorkerRateLimit, memory: LimitMemory): SharedLimit {
    const { cluster, id } = this.#options;
    return limit.quota.kind === "rate"
      ? new SharedRate(limit, memory, cluster)
      : new SharedPlaces(limit, memory, cluster, id);
  }

  #next(inMs: number): void {
    this.#timer = this.#stopped || this.#limits.length === 0 ? null : setTimeout(() => void this.#round(), inMs);
  }

  async #round(): Promise<void> {
    const { link, bootMs } = this.#options;
    this.#running = true;
    try {
      await this.#present();
      const round: Round = { link, bootMs, instances: this.#instances };
      // All have an end before the next round begins, also when one of them fails.
      const settled = await Promise.allSettled(this.#limits.map((shared) => shared.settle(round)));
      for (const result of settled) if (result.status === "rejected") throw result.reason;
      this.#isThere();
    } catch (error) {
      if (this.#stopped) return;
      this.#isAway((error as Error).message);
    }
    this.#running = false;
    const busy = this.#limits.some(({ size }) => size > 0);
    this.#next(this.#away !== null ? RETRY_MS : busy ? ROUND_MS : QUIET_MS);
  }

  async #present(): Promise<void> {
    const { link, bootMs, id, cluster } = this.#options;
    const nowMs = bootMs();
    if (this.#away === null && nowMs - this.#presentMs < PRESENCE_MS) return;
    const count = Number(await link.eval(PRESENCE_SCRIPT, [`neurabalancer:1:{${cluster}}:instances`], [id]));
    if (!(count >= 1 && count <= 100_000)) throw new Error("an answer that is none of ours");
    this.#instances = count;
    this.#presentMs = nowMs;
  }

  #isThere(): void {
    if (this.#said)
      this.#options.log.info({ instances: this.#instances }, "Redis answers again: rate limits are shared");
    this.#away = null;
    this.#said = false;
  }

  #isAway(why: string): void {
    const { bootMs, alone, log } = this.#options;
    const nowMs = bootMs();
    for (const shared of this.#limits) shared.lost(nowMs, this.#instances);
    if (this.#away === null) this.#awaySinceMs = nowMs;
    this.#away = why;
    if (this.#said || alone() || nowMs - this.#awaySinceMs < SAY_MS) return;
    this.#said = true;
    const fields = { error: why, instances: this.#instances };
    log.warn(fields, "Redis does not answer: shared rate limits do what they say of that (when_away)");
  }
}
