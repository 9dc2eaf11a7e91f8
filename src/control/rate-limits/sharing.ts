/**
 * Rate limits that several instances share. Every few milliseconds Redis is told what has passed here and lends what may pass next;
 * requests wait for none of it. When Redis does not answer, workers know within a second, each limit does what it says of that, and
 * it is tried again until it does.
 */
import type { RedisLink } from "../../cluster/redis/link.ts";
import type { WorkerRateLimit } from "../../protocol/rate-limit.ts";
import type { LimitMemory } from "../../shared/memory/rate-limits/limit-file.ts";
import { PRESENCE_SCRIPT } from "./lease-script.ts";
import { SharedLimit } from "./shared-limit.ts";

/** Between two rounds while keys are in use, and while none is. */
const ROUND_MS = 10;
const QUIET_MS = 50;
/** Between two tries while it is away. */
const RETRY_MS = 250;
/** How often an instance says that it is there. */
const PRESENCE_MS = 1000;
const INSTANCES = "neurabalancer:1:instances";

/** What it is made from. */
export interface SharingOptions {
  readonly link: RedisLink;
  /** Which instance this is, for the others. */
  readonly id: string;
  /** The boot clock. */
  readonly bootMs: () => number;
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
  /** Redis does not answer: told once. */
  #away: string | null = null;

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
    const before = new Map(this.#limits.map((shared) => [shared.limit.file, shared]));
    this.#limits = limits.map(({ limit, memory }) => before.get(limit.file) ?? new SharedLimit(limit, memory));
    for (const shared of this.#limits) shared.alone(this.#instances);
    if (this.#limits.length > 0 && this.#timer === null && !this.#running) this.#next(0);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #next(inMs: number): void {
    this.#timer = this.#stopped || this.#limits.length === 0 ? null : setTimeout(() => void this.#round(), inMs);
  }

  async #round(): Promise<void> {
    const { link, bootMs } = this.#options;
    this.#running = true;
    try {
      await this.#present();
      for (const shared of this.#limits) await shared.settle(link, bootMs, this.#instances);
      for (const shared of this.#limits) shared.heard(bootMs(), this.#instances);
      this.#isThere();
    } catch (error) {
      this.#isAway((error as Error).message);
    }
    this.#running = false;
    const busy = this.#limits.some(({ size }) => size > 0);
    this.#next(this.#away !== null ? RETRY_MS : busy ? ROUND_MS : QUIET_MS);
  }

  async #present(): Promise<void> {
    const { link, bootMs, id } = this.#options;
    const nowMs = bootMs();
    if (this.#away === null && nowMs - this.#presentMs < PRESENCE_MS) return;
    const count = Number(await link.eval(PRESENCE_SCRIPT, [INSTANCES], [id]));
    if (!(count >= 1 && count <= 100_000)) throw new Error("an answer that is none of ours");
    this.#instances = count;
    this.#presentMs = nowMs;
  }

  #isThere(): void {
    if (this.#away !== null)
      this.#options.log.info({ instances: this.#instances }, "Redis answers again: rate limits are shared");
    this.#away = null;
  }

  #isAway(why: string): void {
    const fields = { error: why, instances: this.#instances };
    for (const shared of this.#limits) shared.lost();
    if (this.#away === null)
      this.#options.log.warn(fields, "Redis does not answer: shared rate limits do what they say of that (when_away)");
    this.#away = why;
  }
}
