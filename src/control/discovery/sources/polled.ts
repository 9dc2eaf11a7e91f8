/**
 * A source that asks again and again: when what it was told is over, and after a failure with growing pauses. Until it
 * is told something else, what it knows stays, so that a dead DNS server takes nothing out of service.
 */
import { MAX_SERVERS } from "../../../shared/memory/layout/shared-memory.ts";
import type { ServerSpec } from "../../../shared/server-spec.ts";
import { withDeadline } from "../deadline.ts";
import { type DiscoveredServer, respecified } from "../discovered-server.ts";
import type { Family } from "../dns/resolver.ts";
import type { DiscoverySource, SourceContext } from "../source.ts";

/** A question that takes longer has failed; another is due then. */
const ASK_TIMEOUT_MS = 5_000;
/** First wait after a failure; doubled with each one, up to the longest time to live. */
const RETRY_BASE_MS = 1_000;

/** What a question came to. */
export interface Targets {
  readonly servers: readonly DiscoveredServer[];
  /** 0 = unknown. */
  readonly ttlSeconds: number;
  /** Families whose addresses are those of an earlier answer, because their question failed. */
  readonly kept: readonly Family[];
  /** Targets that are more than there can be servers. */
  readonly leftOut: number;
}

/** Asks once. Rejects when nothing is known. @param known the servers of the last time. */
export type AskTargets = (spec: ServerSpec, known: readonly DiscoveredServer[]) => Promise<Targets>;

/** Of what is asked, and what an answer means, `ask` alone knows. */
export class PolledSource implements DiscoverySource {
  readonly #context: SourceContext;
  readonly #askTargets: AskTargets;
  #spec: ServerSpec;
  #servers: readonly DiscoveredServer[] = [];
  #dueMs = 0;
  #running: Promise<void> | undefined;
  /** In a row. */
  #failures = 0;
  /** Addresses of one family are those of an earlier answer. */
  #partial = false;
  /** There are more targets than there can be servers. */
  #overflowing = false;
  #closed = false;

  constructor(spec: ServerSpec, context: SourceContext, ask: AskTargets) {
    this.#spec = spec;
    this.#context = context;
    this.#askTargets = ask;
  }

  get spec(): ServerSpec {
    return this.#spec;
  }

  get servers(): readonly DiscoveredServer[] {
    return this.#servers;
  }

  get degraded(): boolean {
    return this.#failures > 0 || this.#partial;
  }

  refresh(): Promise<void> {
    this.#running ??= this.#ask().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#dueMs && this.#running === undefined) void this.refresh();
  }

  respecify(spec: ServerSpec): void {
    this.#servers = respecified(this.#servers, this.#spec, spec);
    this.#spec = spec;
  }

  close(): void {
    this.#closed = true;
  }

  async #ask(): Promise<void> {
    const { counts, log, nowMs, dns, onSettled } = this.#context;
    const spec = this.#spec;
    counts.resolutions++;
    try {
      const targets = await withDeadline(this.#askTargets(spec, this.#servers), ASK_TIMEOUT_MS);
      if (this.#closed) return;
      if (this.#failures > 0) log.info({ server: spec.url }, "name resolves again");
      this.#failures = 0;
      this.#announceGaps(targets);
      const { minTtlMs, maxTtlMs } = dns();
      this.#dueMs = nowMs() + Math.min(Math.max(targets.ttlSeconds * 1000, minTtlMs), maxTtlMs);
      // The configuration may have changed meanwhile: same URL, other numbers.
      this.#servers = respecified(targets.servers, spec, this.#spec);
    } catch (error) {
      if (this.#closed) return;
      this.#fail(error as Error);
    }
    onSettled();
  }

  /** What a response lacks is said once, until it is whole again. */
  #announceGaps({ kept, leftOut }: Targets): void {
    const { counts, log } = this.#context;
    const { url, host } = this.#spec;
    const partial = kept.length > 0;
    if (partial && !this.#partial) {
      const families = kept.map((family) => `IPv${family}`).join(" and ");
      log.warn({ server: url }, `cannot resolve all of ${host}: its ${families} addresses last known stay in use`);
    }
    if (partial) counts.failures++;
    this.#partial = partial;
    if (leftOut > 0 && !this.#overflowing) {
      log.error(
        { server: url, limit: MAX_SERVERS, left_out: leftOut },
        `${host} names more servers than the limit of ${MAX_SERVERS}: ${leftOut} are left out`,
      );
    }
    this.#overflowing = leftOut > 0;
  }

  #fail(error: Error): void {
    const { counts, log, nowMs, dns } = this.#context;
    counts.failures++;
    this.#failures++;
    const waitMs = Math.min(RETRY_BASE_MS * 2 ** (this.#failures - 1), Math.max(RETRY_BASE_MS, dns().maxTtlMs));
    this.#dueMs = nowMs() + waitMs;
    if (this.#failures > 1) return; // said once; the counter goes on
    const known = this.#servers.length;
    const consequence = known > 0 ? "the addresses last known stay in use" : "it has no address yet";
    log.warn(
      { server: this.#spec.url, error: error.message, known_addresses: known },
      `cannot resolve ${this.#spec.host}: ${consequence}`,
    );
  }
}
