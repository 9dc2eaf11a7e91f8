/** One limit in a worker: whom it is about, and what it keeps. A change of the configuration makes another; what is counted stays. */
import type { RateLimitSpec } from "../../protocol/rate-limit.ts";
import { ClientAccess } from "../../shared/addresses/client-access.ts";
import type { LimitCounts } from "../../shared/memory/rate-limits/limit-counts.ts";
import type { LimitMemory, LimitWorkerPart } from "../../shared/memory/rate-limits/limit-file.ts";
import type { RefusedKeys } from "../../shared/memory/rate-limits/refused-keys.ts";

/** What a worker has of a limit for as long as it counts in the same way. */
export interface KeptLimit {
  readonly memory: Pick<LimitMemory, "secret">;
  readonly counts: LimitCounts;
  readonly part: LimitWorkerPart;
  readonly refused: RefusedKeys;
}

/** Times to wait of which lines are kept. */
const MOST_REFUSALS = 128;

/** One limit. */
export class RateLimit {
  readonly spec: RateLimitSpec;
  readonly kept: KeptLimit;
  /** Its name as an item of a structured field (RFC 9651), with what it allows. */
  readonly policy: string;
  readonly #item: string;
  readonly #clients: ClientAccess | null;
  readonly #exempt: ClientAccess | null;
  readonly #refusals = new Map<number, Buffer>();

  constructor(spec: RateLimitSpec, kept: KeptLimit) {
    this.spec = spec;
    this.kept = kept;
    const { name, quota, clients, exempt } = spec;
    this.#item = `"${name}"`;
    this.policy =
      quota.kind === "rate"
        ? `${this.#item};q=${quota.requests};w=${quota.periodMs / 1000}`
        : `${this.#item};q=${quota.requests};qu="concurrent-requests"`;
    this.#clients = clients.length === 0 ? null : ClientAccess.of({ allow: clients, deny: [] });
    this.#exempt = exempt.length === 0 ? null : ClientAccess.of({ allow: exempt, deny: [] });
  }

  /** It looks at addresses before it counts. */
  get asksAddress(): boolean {
    return this.#clients !== null || this.#exempt !== null;
  }

  isAbout(address: string): boolean {
    return this.#clients === null || this.#clients.permits(address);
  }

  isExempt(address: string): boolean {
    return this.#exempt?.permits(address) ?? false;
  }

  /** Lines of the response to a request that is refused, which may come again in so many seconds. Kept: who is refused comes often. */
  refusalLines(seconds: number): Buffer {
    let lines = this.#refusals.get(seconds);
    if (lines !== undefined) return lines;
    const policy = `RateLimit-Policy: ${this.policy}`;
    lines = Buffer.from(`${policy}\r\nRateLimit: ${this.item(0, seconds)}\r\nRetry-After: ${seconds}\r\n`, "latin1");
    if (this.#refusals.size >= MOST_REFUSALS) this.#refusals.clear();
    this.#refusals.set(seconds, lines);
    return lines;
  }

  /** What is left, as an item of `RateLimit`; of requests at once there is no telling for how long. */
  item(remaining: number, seconds: number): string {
    return this.spec.quota.kind === "rate"
      ? `${this.#item};r=${remaining};t=${seconds}`
      : `${this.#item};r=${remaining}`;
  }
}
