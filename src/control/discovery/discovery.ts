/**
 * Discovery: keeps the list of addresses behind the configured servers. Who knows the addresses of each is its source's
 * business; here is what holds for all of them: a new list waits for its names only so long, and takes nobody out of
 * service while it knows no address itself.
 */
import type { ServerSpec } from "../../shared/server-spec.ts";
import { withDeadline } from "./deadline.ts";
import type { DiscoveredServer } from "./discovered-server.ts";
import { NO_KUBERNETES } from "./kubernetes/place.ts";
import type { DiscoverySource, DnsOptions, SourceContext, Surroundings } from "./source.ts";
import { openSource } from "./sources/registry.ts";

/** How long a new configuration waits for its names; the rest of the fleet must not stand still for one slow name. */
const CONFIGURE_WAIT_MS = 2_000;
/** Of an instance that was told nothing. */
const NOWHERE: Surroundings = { kubernetes: NO_KUBERNETES, zone: null };

/** What discovery is given. */
export type DiscoveryDependencies = Pick<SourceContext, "resolver" | "chooseLoopback" | "log" | "nowMs" | "random">;

export class Discovery {
  readonly #log: SourceContext["log"];
  readonly #context: SourceContext;
  readonly #counts = { resolutions: 0, failures: 0 };
  /** By URL, in the order of the configuration. */
  #sources = new Map<string, DiscoverySource>();
  /** Those of the configuration before, while no address is known of any server of the present one. */
  #standIns = new Map<string, DiscoverySource>();
  #dns: DnsOptions = { minTtlMs: 1_000, maxTtlMs: 60_000 };
  #surroundings = NOWHERE;
  #onChange: () => void = () => {};

  constructor(deps: DiscoveryDependencies) {
    this.#log = deps.log;
    this.#context = {
      ...deps,
      dns: () => this.#dns,
      surroundings: () => this.#surroundings,
      counts: this.#counts,
      onSettled: () => {
        this.#dismissStandIns();
        this.#onChange();
      },
    };
  }

  /** Answers received or failed, and failures, since the start. */
  get counters(): { readonly resolutions: number; readonly failures: number } {
    return this.#counts;
  }

  /** True while a name's addresses are those of an earlier answer, or missing. */
  get degraded(): boolean {
    return [...this.#sources.values()].some(({ degraded }) => degraded);
  }

  /** Names as configured that no address is known of. */
  unresolved(): string[] {
    return [...this.#sources.values()].filter(({ servers }) => servers.length === 0).map(({ spec }) => spec.host);
  }

  /** Called when the result of `servers` may have changed, after `configure`. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Every known address, in the order of the configuration. */
  servers(): readonly DiscoveredServer[] {
    const sources = this.#standIns.size > 0 ? this.#standIns : this.#sources;
    return [...sources.values()].flatMap(({ servers }) => servers);
  }

  /**
   * Takes over a new list. What was resolved for servers that stay is kept; the new names are asked for now.
   * Resolves when all of those have a response or failed, or after two seconds: later answers come through `onChange`.
   * When no address is known of any of the new servers by then, the old ones stay in service until one is. No servers at
   * all is what is wanted when the list is empty.
   */
  async configure(specs: readonly ServerSpec[], dns: DnsOptions, surroundings: Surroundings = NOWHERE): Promise<void> {
    this.#dns = dns;
    this.#surroundings = surroundings;
    const before = new Map([...this.#standIns, ...this.#sources]);
    const sources = new Map(specs.map((spec) => [spec.url, this.#keepOrOpen(spec, before.get(spec.url))]));
    this.#sources = sources;
    this.#standIns = new Map();
    for (const [url, source] of before) {
      if (sources.has(url)) continue;
      if (source.servers.length > 0) this.#standIns.set(url, source);
      else source.close();
    }
    const unresolved = [...sources.values()].filter(({ servers }) => servers.length === 0);
    const all = Promise.all(unresolved.map((source) => source.refresh())).then(() => undefined);
    await withDeadline(all, CONFIGURE_WAIT_MS).catch(() => undefined);
    if (specs.length === 0) this.#closeStandIns();
    this.#dismissStandIns();
    if (this.#standIns.size === 0) return;
    const names = [...sources.values()].map(({ spec }) => spec.host);
    this.#log.warn(
      { unresolved: names, kept: [...this.#standIns.keys()] },
      `no address is known of ${names.join(", ")}: the servers of the configuration before stay in service until one is`,
    );
  }

  /** Lets every source do what is due. */
  tick(nowMs: number): void {
    for (const source of [...this.#sources.values(), ...this.#standIns.values()]) source.tick(nowMs);
  }

  /** Nothing is looked for any more; what is known stays. */
  close(): void {
    for (const source of [...this.#sources.values(), ...this.#standIns.values()]) source.close();
  }

  #keepOrOpen(spec: ServerSpec, source: DiscoverySource | undefined): DiscoverySource {
    if (source === undefined) return openSource(spec, this.#context);
    source.respecify(spec);
    return source;
  }

  /** The configuration has a server of its own now, or never needed any other. */
  #dismissStandIns(): void {
    if (this.#standIns.size === 0) return;
    if ([...this.#sources.values()].every(({ servers }) => servers.length === 0)) return;
    this.#closeStandIns();
  }

  #closeStandIns(): void {
    for (const source of this.#standIns.values()) source.close();
    this.#standIns.clear();
  }
}
