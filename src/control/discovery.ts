/**
 * Discovery: keeps the list of addresses behind the configured servers. Names are resolved again when their time to live
 * is over; what fails keeps the addresses last known, so that a dead DNS server takes nothing out of service.
 */
import { isIP } from "node:net";
import type { Resolver } from "./discovery-resolver.ts";
import { type DiscoveredServer, type LoopbackChooser, resolveTargets, type ServerSpec } from "./discovery-targets.ts";
import type { FleetLogger } from "./fleet-options.ts";

/** A resolution that takes longer has failed; another is due then. */
const RESOLVE_TIMEOUT_MS = 5_000;
/** How long a new configuration waits for its names; the rest of the fleet must not stand still for one slow name. */
const CONFIGURE_WAIT_MS = 2_000;
/** First wait after a failure; doubled with each one, up to the longest time to live. */
const RETRY_BASE_MS = 1_000;

/** How often names are resolved. */
export interface DnsOptions {
  /** Bounds on times to live. */
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
}

interface Entry {
  spec: ServerSpec;
  servers: readonly DiscoveredServer[];
  /** Never resolved anew: an IP literal. */
  readonly fixed: boolean;
  dueMs: number;
  running: Promise<void> | undefined;
  failures: number;
}

/** What discovery is given. */
export interface DiscoveryDependencies {
  readonly resolver: Resolver;
  readonly log: FleetLogger;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  readonly chooseLoopback: LoopbackChooser;
}

export class Discovery {
  readonly #deps: DiscoveryDependencies;
  #entries = new Map<string, Entry>();
  #dns: DnsOptions = { minTtlMs: 1_000, maxTtlMs: 60_000 };
  #resolutions = 0;
  #failures = 0;
  #onChange: () => void = () => {};

  constructor(deps: DiscoveryDependencies) {
    this.#deps = deps;
  }

  /** Answers received or failed, and failures, since the start. */
  get counters(): { readonly resolutions: number; readonly failures: number } {
    return { resolutions: this.#resolutions, failures: this.#failures };
  }

  /** True while a name's addresses are those of an earlier answer, or missing. */
  get degraded(): boolean {
    return [...this.#entries.values()].some((entry) => entry.failures > 0);
  }

  /** Names as configured that no address is known of. */
  unresolved(): string[] {
    return [...this.#entries.values()].filter(({ servers }) => servers.length === 0).map(({ spec }) => spec.host);
  }

  /** Called when the result of `servers` may have changed, after `configure`. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Every known address, in the order of the configuration. */
  servers(): readonly DiscoveredServer[] {
    return [...this.#entries.values()].flatMap((entry) => entry.servers);
  }

  /**
   * Takes over a new list. What was resolved for servers that stay is kept; the new names are asked for now.
   * Resolves when all of those have an answer or failed, or after two seconds: later answers come through `onChange`.
   */
  async configure(specs: readonly ServerSpec[], dns: DnsOptions): Promise<void> {
    this.#dns = dns;
    const entries = new Map<string, Entry>();
    for (const spec of specs) entries.set(spec.url, this.#keepOrMake(spec, this.#entries.get(spec.url)));
    this.#entries = entries;
    const unresolved = [...entries.values()].filter((entry) => entry.servers.length === 0);
    const all = Promise.all(unresolved.map((entry) => this.#resolve(entry))).then(() => undefined);
    await withDeadline(all, CONFIGURE_WAIT_MS).catch(() => undefined);
  }

  /** Starts the resolutions that are due. */
  tick(nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (!entry.fixed && nowMs >= entry.dueMs && entry.running === undefined) void this.#resolve(entry);
    }
  }

  #keepOrMake(spec: ServerSpec, old: Entry | undefined): Entry {
    if (old === undefined) {
      const fixed = !spec.srv && isIP(spec.host) !== 0;
      return { spec, servers: [], fixed, dueMs: 0, running: undefined, failures: 0 };
    }
    old.servers = respecify(old.servers, old.spec, spec);
    old.spec = spec;
    return old;
  }

  #resolve(entry: Entry): Promise<void> {
    entry.running ??= this.#ask(entry).finally(() => {
      entry.running = undefined;
    });
    return entry.running;
  }

  async #ask(entry: Entry): Promise<void> {
    const { resolver, chooseLoopback, nowMs } = this.#deps;
    const { spec } = entry;
    if (!entry.fixed) this.#resolutions++;
    try {
      const targets = await withDeadline(
        resolveTargets(spec, entry.servers, resolver, chooseLoopback),
        RESOLVE_TIMEOUT_MS,
      );
      if (entry.failures > 0) this.#deps.log.info({ server: spec.url }, "name resolves again");
      entry.failures = 0;
      entry.dueMs = nowMs() + clamp(targets.ttlSeconds * 1000, this.#dns.minTtlMs, this.#dns.maxTtlMs);
      // The configuration may have changed meanwhile: same URL, other numbers.
      entry.servers = respecify(targets.servers, spec, entry.spec);
    } catch (error) {
      this.#fail(entry, error as Error);
    }
    if (this.#entries.get(entry.spec.url) === entry) this.#onChange();
  }

  #fail(entry: Entry, error: Error): void {
    this.#failures++;
    entry.failures++;
    const waitMs = Math.min(RETRY_BASE_MS * 2 ** (entry.failures - 1), Math.max(RETRY_BASE_MS, this.#dns.maxTtlMs));
    entry.dueMs = this.#deps.nowMs() + waitMs;
    if (entry.failures > 1) return; // said once; the counter goes on
    const known = entry.servers.length;
    const consequence = known > 0 ? "the addresses last known stay in use" : "it has no address yet";
    this.#deps.log.warn(
      { server: entry.spec.url, error: error.message, known_addresses: known },
      `cannot resolve ${entry.spec.host}: ${consequence}`,
    );
  }
}

/** The same addresses under other settings. SRV weights are relative to the configured weight: scaled, not asked again. */
function respecify(
  servers: readonly DiscoveredServer[],
  from: ServerSpec,
  to: ServerSpec,
): readonly DiscoveredServer[] {
  if (from === to) return servers;
  return servers.map((server) => ({ ...server, spec: to, weight: (server.weight * to.weight) / from.weight }));
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
