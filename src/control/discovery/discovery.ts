/**
 * Discovery: keeps the list of addresses behind the configured servers. Names are resolved again when their time to live
 * is over; what fails keeps the addresses last known, so that a dead DNS server takes nothing out of service.
 */
import { isIP } from "node:net";
import { MAX_SERVERS } from "../../shared/layout.ts";
import type { FleetLogger } from "../fleet/options.ts";
import { withDeadline } from "./deadline.ts";
import { NameMemory } from "./names.ts";
import type { Resolver } from "./resolver.ts";
import {
  type DiscoveredServer,
  type LoopbackChooser,
  resolveTargets,
  type ServerSpec,
  type Targets,
} from "./targets.ts";

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
  readonly names: NameMemory;
  /** Addresses of one family are those of an earlier answer. */
  partial: boolean;
  /** There are more targets than there can be servers. */
  overflowing: boolean;
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
  /** Entries of the configuration before, while no address is known of any server of the present one. */
  #standIns = new Map<string, Entry>();
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
    return [...this.#entries.values()].some(({ failures, partial }) => failures > 0 || partial);
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
    const entries = this.#standIns.size > 0 ? this.#standIns : this.#entries;
    return [...entries.values()].flatMap((entry) => entry.servers);
  }

  /**
   * Takes over a new list. What was resolved for servers that stay is kept; the new names are asked for now.
   * Resolves when all of those have a response or failed, or after two seconds: later answers come through `onChange`.
   * When no address is known of any of the new servers by then, the old ones stay in service until one is.
   */
  async configure(specs: readonly ServerSpec[], dns: DnsOptions): Promise<void> {
    this.#dns = dns;
    const before = new Map([...this.#standIns, ...this.#entries]);
    const entries = new Map<string, Entry>();
    for (const spec of specs) entries.set(spec.url, this.#keepOrMake(spec, before.get(spec.url)));
    this.#entries = entries;
    this.#standIns = new Map([...before].filter(([url, { servers }]) => !entries.has(url) && servers.length > 0));
    const unresolved = [...entries.values()].filter((entry) => entry.servers.length === 0);
    const all = Promise.all(unresolved.map((entry) => this.#resolve(entry))).then(() => undefined);
    await withDeadline(all, CONFIGURE_WAIT_MS).catch(() => undefined);
    this.#dismissStandIns();
    if (this.#standIns.size === 0) return;
    const names = [...entries.values()].map(({ spec }) => spec.host);
    this.#deps.log.warn(
      { unresolved: names, kept: [...this.#standIns.keys()] },
      `no address is known of ${names.join(", ")}: the servers of the configuration before stay in service until one is`,
    );
  }

  /** Starts the resolutions that are due. */
  tick(nowMs: number): void {
    for (const entry of [...this.#entries.values(), ...this.#standIns.values()]) {
      if (!entry.fixed && nowMs >= entry.dueMs && entry.running === undefined) void this.#resolve(entry);
    }
  }

  #keepOrMake(spec: ServerSpec, old: Entry | undefined): Entry {
    if (old === undefined) {
      const fixed = !spec.srv && isIP(spec.host) !== 0;
      const names = new NameMemory();
      const quiet = { failures: 0, partial: false, overflowing: false };
      return { spec, servers: [], fixed, dueMs: 0, running: undefined, names, ...quiet };
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
      const { names, servers: known } = entry;
      const resolution = { resolver, choose: chooseLoopback, names, known, nowMs: nowMs() };
      const targets = await withDeadline(resolveTargets(spec, resolution), RESOLVE_TIMEOUT_MS);
      if (entry.failures > 0) this.#deps.log.info({ server: spec.url }, "name resolves again");
      entry.failures = 0;
      this.#announceGaps(entry, targets);
      entry.dueMs = nowMs() + clamp(targets.ttlSeconds * 1000, this.#dns.minTtlMs, this.#dns.maxTtlMs);
      // The configuration may have changed meanwhile: same URL, other numbers.
      entry.servers = respecify(targets.servers, spec, entry.spec);
    } catch (error) {
      this.#fail(entry, error as Error);
    }
    const { url } = entry.spec;
    if (this.#entries.get(url) === entry) this.#dismissStandIns();
    if (this.#entries.get(url) === entry || this.#standIns.get(url) === entry) this.#onChange();
  }

  /** The configuration has a server of its own now, or never needed any other. */
  #dismissStandIns(): void {
    if (this.#standIns.size === 0) return;
    if ([...this.#entries.values()].some(({ servers }) => servers.length > 0)) this.#standIns.clear();
  }

  /** What a response lacks is said once, until it is whole again. */
  #announceGaps(entry: Entry, { kept, leftOut }: Targets): void {
    const { url, host } = entry.spec;
    const partial = kept.length > 0;
    if (partial && !entry.partial) {
      const families = kept.map((family) => `IPv${family}`).join(" and ");
      this.#deps.log.warn(
        { server: url },
        `cannot resolve all of ${host}: its ${families} addresses last known stay in use`,
      );
    }
    if (partial) this.#failures++;
    entry.partial = partial;
    if (leftOut > 0 && !entry.overflowing) {
      this.#deps.log.error(
        { server: url, limit: MAX_SERVERS, left_out: leftOut },
        `${host} names more servers than the limit of ${MAX_SERVERS}: ${leftOut} are left out`,
      );
    }
    entry.overflowing = leftOut > 0;
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
