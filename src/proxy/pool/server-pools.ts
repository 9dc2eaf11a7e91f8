/** The pools of one worker and the connections to their servers, and how they follow what the supervisor says. */
import { serverIdentityHash } from "../../balancing/hash.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { PoolSettings } from "../../protocol/pool.ts";
import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import { isSameUpstreamTls } from "../../shared/upstream-tls.ts";
import type { TrustedProxies } from "../rewrite/trusted-proxies.ts";
import type { UpstreamContext } from "../upstream/context.ts";
import type { Upstream } from "../upstream/leg.ts";
import { type PoolParts, ServerPool } from "./server-pool.ts";

/** Makes the connections to a server of a pool. */
export type OpenUpstream = (endpoint: Endpoint, ctx: UpstreamContext) => Upstream;

/** What connections need of the worker: see `UpstreamContext`, whose settings are the pool's. */
export type WorkerConnections = Omit<UpstreamContext, "settings">;

/** One worker's pools. */
export class ServerPools {
  readonly #parts: PoolParts;
  readonly #connections: WorkerConnections;
  readonly #open: OpenUpstream;
  /** The servers by slot, of all pools: no two have the same. */
  readonly upstreams: (Upstream | undefined)[] = new Array(MAX_SERVERS).fill(undefined);
  /** Whose server it is, by slot. */
  readonly #owners: (ServerPool | undefined)[] = new Array(MAX_SERVERS).fill(undefined);
  /** By row; those that are no longer configured stay for as long as they have servers. */
  readonly #byRow = new Map<number, ServerPool>();
  #byName: ReadonlyMap<string, ServerPool> = new Map();
  #endpoints: readonly Endpoint[] = [];

  constructor(parts: PoolParts, connections: WorkerConnections, open: OpenUpstream) {
    this.#parts = parts;
    this.#connections = connections;
    this.#open = open;
  }

  /** The configured pool of that name. Throws when there is none: names are checked before workers are told of them. */
  get(name: string): ServerPool {
    const pool = this.#byName.get(name);
    if (pool === undefined) throw new Error(`there is no pool "${name}"`);
    return pool;
  }

  /** Makes the pools these. Those that stay, by name and row, keep everything. */
  configure(pools: readonly PoolSettings[], trustedProxies: TrustedProxies): void {
    const byName = new Map<string, ServerPool>();
    for (const settings of pools) {
      const old = this.#byRow.get(settings.row);
      const stays = old !== undefined && old.settings.name === settings.name;
      const pool = stays ? old : new ServerPool(this.#parts, settings, trustedProxies);
      if (stays && old.settings.upstreamProxyProtocol !== settings.upstreamProxyProtocol) this.#forget(old, false);
      else if (stays && !isSameUpstreamTls(old.settings, settings)) this.#forget(old, true);
      if (stays) pool.configure(settings, trustedProxies);
      else old?.setServers([]);
      this.#byRow.set(settings.row, pool);
      byName.set(settings.name, pool);
    }
    this.#byName = byName;
    this.setEndpoints(this.#endpoints);
  }

  /** The fleets changed. Servers that stay keep their connections. Those of a pool that is not known yet wait for it. */
  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints;
    const bySlot = new Map(endpoints.map((endpoint) => [endpoint.slot, endpoint]));
    for (let slot = 0; slot < MAX_SERVERS; slot++) this.#setEndpoint(slot, bySlot.get(slot));
    for (const [row, pool] of this.#byRow) {
      const own = endpoints.filter((endpoint) => endpoint.pool === row);
      pool.setServers(own);
      if (own.length === 0 && this.#byName.get(pool.settings.name) !== pool) this.#byRow.delete(row);
    }
  }

  /**
   * Who was spoken to under other rules is spoken to anew: its idle connections are closed now, those in use with their
   * requests.
   * @param tls only those who speak TLS: the rules were its.
   */
  #forget(pool: ServerPool, tls: boolean): void {
    for (let slot = 0; slot < MAX_SERVERS; slot++) {
      const upstream = this.upstreams[slot];
      if (upstream === undefined || this.#owners[slot] !== pool || (tls && !upstream.endpoint.tls)) continue;
      upstream.retire();
      this.upstreams[slot] = this.#open(upstream.endpoint, new PoolConnections(this.#connections, pool));
    }
  }

  #setEndpoint(slot: number, endpoint: Endpoint | undefined): void {
    const old = this.upstreams[slot];
    const pool = endpoint && this.#byRow.get(endpoint.pool);
    // A server keeps its id when it listens on this machine's other loopback address.
    const stays = old !== undefined && old.endpoint.id === endpoint?.id && old.endpoint.address === endpoint.address;
    if (stays && this.#owners[slot] === pool) return;
    old?.retire();
    this.upstreams[slot] = endpoint && pool && this.#open(endpoint, new PoolConnections(this.#connections, pool));
    this.#owners[slot] = pool;
    this.#parts.identityHash[slot] = endpoint ? serverIdentityHash(endpoint.url, endpoint.address) : 0;
  }

  /** The worker stood still from then until then: before anything else is done, see `Standstills`. */
  onStandstill(fromMs: number, untilMs: number): void {
    this.#parts.standstills.add(fromMs, untilMs);
    for (const pool of this.#byRow.values()) pool.onStandstill(fromMs, untilMs);
  }

  /** To be called from time to time: see `FailingServers.notice` and `WaitQueue`. */
  tick(nowMs: number): void {
    this.#parts.neighbours.heard();
    for (const { picker, queue } of this.#byRow.values()) {
      picker.noticeFailing();
      queue.tick(nowMs);
    }
  }

  /** This worker was told of a place at a server of some pool. */
  onWake(nowMs: number): void {
    this.#parts.neighbours.heard();
    for (const { queue } of this.#byRow.values()) queue.onWake(nowMs);
  }
}

/** What connections to the servers of one pool use: the pool's settings, and the worker's parts as they are at present. */
class PoolConnections implements UpstreamContext {
  readonly #worker: WorkerConnections;
  readonly #pool: ServerPool;
  readonly wheel: UpstreamContext["wheel"];
  readonly endOfTurn: UpstreamContext["endOfTurn"];
  readonly kernel: UpstreamContext["kernel"];
  readonly counters: UpstreamContext["counters"];
  readonly block: UpstreamContext["block"];

  constructor(worker: WorkerConnections, pool: ServerPool) {
    this.#worker = worker;
    this.#pool = pool;
    this.wheel = worker.wheel;
    this.endOfTurn = worker.endOfTurn;
    this.kernel = worker.kernel;
    this.counters = worker.counters;
    this.block = worker.block;
  }

  get settings(): PoolSettings {
    return this.#pool.settings;
  }

  get limits(): UpstreamContext["limits"] {
    return this.#worker.limits;
  }

  get scratch(): Buffer {
    return this.#worker.scratch;
  }

  get responseHead(): UpstreamContext["responseHead"] {
    return this.#worker.responseHead;
  }
}
