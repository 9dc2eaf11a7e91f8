/**
 * The fleets of an instance, one for each pool. Pools come, stay by their name with all that is known of their servers, and
 * go: one that goes takes no more requests, and gives its row back when the last of its servers has drained.
 *
 * A new configuration is taken over in three steps, so that no request finds a pool without servers: `update` finds the servers
 * of new pools and publishes them; the caller tells the workers of pools, routes and endpoints at once; and what `settle` is
 * given resolves when they know, from where on those that went drain.
 */
import { type RingPlace, WHOLE_RING } from "../../balancing/subset.ts";
import type { OthersVotes } from "../../health/majority.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { RecordedServer } from "../../protocol/recorded-names.ts";
import type { ServerRow } from "../../storage/history-store.ts";
import type { FleetEvents } from "../../telemetry/metrics/source.ts";
import { type Events, NO_EVENTS, OPERATOR_SIGNAL } from "../events/events.ts";
import type { ControlLog } from "../log.ts";
import { ControlLoop } from "./control-loop.ts";
import { type EndpointsListener, Fleet, type FleetDependencies } from "./fleet.ts";
import type { OperatedServers } from "./operated.ts";
import type { FleetOptions } from "./options.ts";
import { OthersHeard } from "./others.ts";
import { StoreOverrides } from "./overrides.ts";
import { PoolOfServer } from "./pool-of-server.ts";
import type { PoolRows } from "./pool-rows.ts";
import type { FleetServer } from "./server.ts";
import { type FleetSummary, NO_SERVERS, type OverriddenServer, type PoolSummary, type ServerStatus } from "./status.ts";
import { SharedTrust } from "./trust.ts";
import type { Withdrawal } from "./withdrawal.ts";

/** What a pool is meant to be. */
export interface PoolPlan {
  readonly name: string;
  /** Of the shared memory: as `PoolRows.plan` said. */
  readonly row: number;
  readonly options: FleetOptions;
}

/** What the other instances of a cluster are told of a server. */
export interface ToldServer extends Pick<FleetServer, "id" | "slot" | "server" | "ownVerdict"> {
  readonly pool: string;
}

/** What fleets are given. */
export interface FleetsDependencies
  extends Pick<FleetDependencies, "table" | "clock" | "bootOffsetMs" | "random" | "resolver"> {
  readonly log: ControlLog;
  /** Who is told what happens. Default: nobody. */
  readonly events?: Events;
  /** Called when `recorded` may say something else. */
  readonly onRecorded?: () => void;
  readonly rows: PoolRows;
}

const NO_COUNTS: FleetEvents = {
  healthChecks: 0,
  healthCheckFailures: 0,
  healthChecksSkipped: 0,
  ejections: 0,
  majorityEjections: 0,
  panics: 0,
  stateChanges: 0,
  dnsResolutions: 0,
  dnsFailures: 0,
  usageIgnored: 0,
};

export class Fleets {
  readonly #deps: FleetsDependencies;
  readonly #loop: ControlLoop;
  readonly #trust = new SharedTrust();
  readonly #poolOfServer = new PoolOfServer();
  readonly #overrides: StoreOverrides;
  readonly #others = new OthersHeard();
  #place = WHOLE_RING;
  /** `null` = nobody keeps what operators want: they change the servers themselves. */
  #operated: OperatedServers | null = null;
  readonly #listeners: EndpointsListener[] = [];
  /** Has its turns while any pool goes. */
  readonly #reaper = {
    tick: () => this.#releaseGone(),
    alarming: () => false,
    idleMs: () => Number.POSITIVE_INFINITY,
  };
  /** By name of the pool, in the order in which they came; those that drain included. */
  readonly #fleets = new Map<string, Fleet>();
  /** Pools of the configuration, in its order. */
  #present: readonly PoolPlan[] = [];
  /** Number of the last configuration that was taken over. */
  #generation = 0;
  /** By name of a pool that has gone: the configuration since which it is not there, and who took that over. */
  readonly #goneSince = new Map<string, { readonly generation: number; readonly actor: string }>();
  /** What fleets that are gone have counted: no counter runs backwards. */
  #past: FleetEvents = NO_COUNTS;
  /** Set while a configuration is taken over: the workers are told of endpoints with all the rest. */
  #held: PromiseWithResolvers<void> | null = null;
  #stopped = false;

  constructor(deps: FleetsDependencies) {
    this.#deps = deps;
    this.#loop = new ControlLoop(() => deps.clock.nowMs());
    this.#overrides = new StoreOverrides(deps.log, deps.events ?? NO_EVENTS);
  }

  /** The pools that an instance starts with; bounded: a name that does not answer joins later. */
  async start(plans: readonly PoolPlan[]): Promise<void> {
    await this.#takeOver(plans, OPERATOR_SIGNAL, (fleet, options) => fleet.start(options));
    this.settle(Promise.resolve());
  }

  /**
   * The pools are these from now on, but for those that go: they stay until `settle`. Rejects, and nothing has changed, when
   * one cannot be. `settle` must follow when it does not.
   * @param actor who wants it.
   */
  async update(plans: readonly PoolPlan[], actor: string = OPERATOR_SIGNAL): Promise<void> {
    await this.#takeOver(plans, actor, (fleet, options) => fleet.join(options, actor));
  }

  /** @param told resolves when all workers know the pools, the routes and the endpoints. */
  settle(told: Promise<void>): void {
    const held = this.#held;
    const generation = this.#generation;
    this.#held = null;
    void told.finally(() => {
      held?.resolve();
      // Not those that have come back, nor those that went again: of that the workers may not know yet.
      for (const [name, gone] of this.#goneSince) if (gone.generation <= generation) this.#dismiss(name, gone.actor);
    });
  }

  /** Where the instance stands among those before the same servers: pools that use a part of theirs choose it anew. */
  takePlace(place: RingPlace): void {
    this.#place = place;
  }

  /** Ends all control loops, discovery and probes. What was published stays. */
  stop(): void {
    this.#stopped = true;
    for (const fleet of this.#fleets.values()) fleet.stop();
    this.#loop.stop();
  }

  /** `listener` is called after each change of `endpoints` that is not told with a new configuration. */
  onEndpoints(listener: EndpointsListener): void {
    this.#listeners.push(listener);
  }

  /** Of all pools, those of servers that drain included. */
  endpoints(): readonly Endpoint[] {
    return [...this.#fleets.values()].flatMap((fleet) => fleet.endpoints());
  }

  /** Of all pools, as history knows them. */
  recorded(): readonly RecordedServer[] {
    return [...this.#fleets.values()].flatMap((fleet) => fleet.recorded());
  }

  /** Servers of all pools of which a number was set at run time. */
  overridden(): readonly OverriddenServer[] {
    return [...this.#fleets.values()].flatMap((fleet) => fleet.overridden());
  }

  /** The `servers` table of the store: weights and capacities that are set there win over the configuration. */
  setOverrides(rows: readonly ServerRow[]): void {
    this.#overrides.take(rows);
    for (const fleet of this.#fleets.values()) fleet.takeOverrides();
  }

  /** What operators want of servers, those that are still to come included. */
  operate(wanted: OperatedServers): void {
    this.#operated = wanted;
    for (const fleet of this.#fleets.values()) fleet.takeOperated();
  }

  /** What the other instances of the cluster make of servers; believed for a second and a half. */
  hearOthers(votes: OthersVotes): void {
    this.#others.hear(votes, this.#deps.clock.nowMs());
  }

  /** Nothing is known of the others any more: each goes by its own view at once. */
  loseOthers(): void {
    this.#others.lose();
  }

  /** Servers of the configuration, of all pools. */
  *present(): IterableIterator<FleetServer> {
    for (const fleet of this.#fleets.values()) yield* fleet.present();
  }

  /** Servers of the configuration, for what this instance tells the others of them: its own views, never what was decided together. */
  *told(): IterableIterator<ToldServer> {
    for (const [pool, fleet] of this.#fleets)
      for (const { id, slot, server, ownVerdict } of fleet.present()) yield { id, slot, pool, server, ownVerdict };
  }

  /** Of all pools, each as it is when it is read. */
  *statuses(): IterableIterator<ServerStatus> {
    for (const fleet of [...this.#fleets.values()]) yield* fleet.statuses();
  }

  server(id: number): ServerStatus | undefined {
    for (const fleet of this.#fleets.values()) {
      const server = fleet.server(id);
      if (server !== undefined) return server;
    }
    return undefined;
  }

  /** All pools together. */
  summary(): FleetSummary {
    const sum = { ...NO_SERVERS };
    for (const { total, healthy, up, usable, panic } of this.pools()) {
      sum.total += total;
      sum.healthy += healthy;
      sum.up += up;
      sum.usable += usable;
      sum.panic ||= panic;
    }
    return sum;
  }

  /** The pools of the configuration, in its order. */
  pools(): readonly PoolSummary[] {
    return this.#present.map(({ name, row }) => {
      const fleet = this.#fleets.get(name)!;
      return { name, row, unused: fleet.unused, ...fleet.summary() };
    });
  }

  /** There is another pool than the one that `SERVERS` alone makes, or was and still finishes requests. */
  get several(): boolean {
    return this.#fleets.size > 1 || !this.#fleets.has(DEFAULT_POOL);
  }

  /** Name of the pool of a server, also of one that has gone; `undefined` = there was no such server. */
  poolOf(serverId: number): string | undefined {
    return this.#poolOfServer.get(serverId);
  }

  /** Names of the configuration that no address is known of. */
  unresolved(): readonly string[] {
    return [...this.#fleets.values()].flatMap((fleet) => fleet.unresolved());
  }

  /** True while addresses are those of an earlier answer, or missing. */
  get discoveryDegraded(): boolean {
    return this.#any((fleet) => fleet.discoveryDegraded);
  }

  /** True while servers are left out because the shared memory cannot grow. */
  get outOfMemory(): boolean {
    return this.#any((fleet) => fleet.outOfMemory);
  }

  /** True while checks cannot be made, for want of something of our own. */
  get skippingChecks(): boolean {
    return this.#any((fleet) => fleet.skippingChecks);
  }

  counters(): FleetEvents {
    return [...this.#fleets.values()].reduce((sum, fleet) => added(sum, fleet.counters()), this.#past);
  }

  /** Nothing new for this server until `bringBack`. @returns false when there is no such server. */
  withdraw(id: number, withdrawal: Withdrawal): boolean {
    return this.#any((fleet) => fleet.withdraw(id, withdrawal));
  }

  /** @returns false when there is no such server. */
  bringBack(id: number): boolean {
    return this.#any((fleet) => fleet.bringBack(id));
  }

  /** @returns false when there is no such server or the weight is not a number > 0. */
  setWeight(id: number, weight: number): boolean {
    return this.#any((fleet) => fleet.setWeight(id, weight));
  }

  /** @param hardLimit 0 = not enforced. @returns false when there is no such server or the limit is not an integer ≥ 0. */
  setCapacity(id: number, hardLimit: number): boolean {
    return this.#any((fleet) => fleet.setCapacity(id, hardLimit));
  }

  async #takeOver(
    plans: readonly PoolPlan[],
    actor: string,
    begin: (fleet: Fleet, options: FleetOptions) => Promise<void>,
  ): Promise<void> {
    for (const { options } of plans) this.#trust.of(options); // may throw, and then nothing has changed
    this.#held ??= Promise.withResolvers<void>();
    this.#generation++;
    for (const name of this.#fleets.keys()) {
      if (plans.some((plan) => plan.name === name)) this.#goneSince.delete(name);
      else if (!this.#goneSince.has(name)) this.#goneSince.set(name, { generation: this.#generation, actor });
    }
    const fleets = plans.map(({ name, row }) => this.#fleets.get(name) ?? this.#open(name, row));
    this.#present = plans;
    this.#deps.table.decideReadiness(plans.find(({ name }) => name === DEFAULT_POOL)?.row ?? null);
    await Promise.all(
      plans.map(({ options }, index) => {
        const fleet = fleets[index];
        return fleet.started ? fleet.update(options, actor) : begin(fleet, options);
      }),
    );
    this.#trust.keepOnly(plans.map(({ options }) => options));
  }

  #open(name: string, row: number): Fleet {
    const { table, clock, bootOffsetMs, random, resolver, rows, events = NO_EVENTS, onRecorded } = this.#deps;
    rows.take(name, row);
    const fleet = new Fleet({
      pool: row,
      name,
      table,
      clock,
      bootOffsetMs,
      random,
      resolver,
      log: this.#logOf(name),
      events: { note: (event) => events.note({ pool: name, ...event }) },
      onRecorded,
      place: () => this.#place,
      overrideOf: ({ hostname, port }) => this.#overrides.of(name, hostname, port),
      operatedOf: this.#operated === null ? undefined : (server) => this.#operated!.of(name, server),
      othersVotes: (nowMs) => this.#others.fresh(nowMs),
      loop: this.#loop,
      trustOf: (options) => this.#trust.of(options),
    });
    this.#fleets.set(name, fleet);
    fleet.onEndpoints((endpoints) => {
      for (const { id } of endpoints) this.#poolOfServer.add(id, name);
      return this.#held === null ? this.#tell() : this.#held.promise;
    });
    return fleet;
  }

  async #tell(): Promise<void> {
    const endpoints = this.endpoints();
    await Promise.all(this.#listeners.map((listener) => listener(endpoints)));
  }

  /** Its servers take no more requests. The fleet goes when the last of them has drained. */
  #dismiss(name: string, actor: string): void {
    const fleet = this.#fleets.get(name);
    if (this.#stopped || fleet === undefined || fleet.dismissed) return;
    void fleet.dismiss(actor);
    this.#loop.add(this.#reaper);
  }

  #releaseGone(): void {
    const { rows, table } = this.#deps;
    if (![...this.#fleets.values()].some(({ dismissed }) => dismissed)) this.#loop.remove(this.#reaper);
    for (const [name, fleet] of this.#fleets) {
      if (!fleet.dismissed || !fleet.empty) continue;
      this.#past = added(this.#past, fleet.counters());
      this.#fleets.delete(name);
      this.#goneSince.delete(name);
      fleet.stop();
      table.forget(fleet.row);
      rows.release(name);
      this.#deps.log.info({ pool: name }, `pool ${name} is gone: its last server has drained`);
    }
  }

  /** Names the pool where there are several. */
  #logOf(pool: string): ControlLog {
    const { log } = this.#deps;
    const say =
      (level: keyof ControlLog): ControlLog["info"] =>
      (fields, message) =>
        this.several ? log[level]({ pool, ...fields }, `pool ${pool}: ${message}`) : log[level](fields, message);
    return { info: say("info"), warn: say("warn"), error: say("error") };
  }

  #any(is: (fleet: Fleet) => boolean): boolean {
    for (const fleet of this.#fleets.values()) if (is(fleet)) return true;
    return false;
  }
}

function added(a: FleetEvents, b: FleetEvents): FleetEvents {
  const sum = { ...a };
  for (const key of Object.keys(sum) as (keyof FleetEvents)[])
    (sum as Record<keyof FleetEvents, number>)[key] += b[key];
  return sum;
}
