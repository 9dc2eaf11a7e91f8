/**
 * A fleet: the servers of one list, what state each is in, and the loop that decides it. Runs in the supervisor; all that
 * it reads is in memory. What several fleets of an instance share is their `FleetTable`; everything else is each one's own.
 */

import type { SecureContext } from "node:tls";
import { type RingPlace, WHOLE_RING } from "../../balancing/subset.ts";
import { isUrgent, onReturned } from "../../health/checked-server.ts";
import { judgeFleet } from "../../health/fleet-ejection.ts";
import { judgeTogether, votesOf } from "../../health/fleet-majority.ts";
import { describeVotes, type OthersVotes } from "../../health/majority.ts";
import { paceRamps } from "../../health/slow-start.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import { DEFAULT_POOL } from "../../protocol/pool.ts";
import type { RecordedServer } from "../../protocol/recorded-names.ts";
import type { FleetEvents } from "../../telemetry/metrics/source.ts";
import type { ControlClock } from "../clock.ts";
import type { DiscoveredServer } from "../discovery/discovered-server.ts";
import { Discovery } from "../discovery/discovery.ts";
import { firstListening } from "../discovery/dns/loopback.ts";
import type { Resolver } from "../discovery/dns/resolver.ts";
import { NO_KUBERNETES } from "../discovery/kubernetes/place.ts";
import { BALANCER, DISCOVERY, type Events, NO_EVENTS, OPERATOR_SIGNAL } from "../events/events.ts";
import type { ControlLog } from "../log.ts";
import { FleetAnnouncer } from "./announcer.ts";
import { ControlLoop, type LoopWork } from "./control-loop.ts";
import type { Seat } from "./membership.ts";
import { FleetObserver } from "./observer.ts";
import type { OperatedServer } from "./operated.ts";
import type { FleetOptions } from "./options.ts";
import type { StoreOverride } from "./overrides.ts";
import { FleetPublisher } from "./publisher.ts";
import { Roster } from "./roster.ts";
import { FleetServer } from "./server.ts";
import type { FleetSummary, OverriddenServer, ServerStatus } from "./status.ts";
import { FleetSubset } from "./subsets/fleet-subset.ts";
import type { FleetTable } from "./table.ts";
import { probeTrustOf } from "./trust.ts";
import type { Withdrawal } from "./withdrawal.ts";

/** What a fleet is given. */
export interface FleetDependencies {
  /** Row of its pool in the shared memory. */
  readonly pool: number;
  /** Of its pool. Default: `default`. */
  readonly name?: string;
  /** When it has its turns. Default: a loop of its own. */
  readonly loop?: ControlLoop;
  /** What checks of HTTPS servers are made with; throws when it cannot be. Default: made anew. */
  readonly trustOf?: (options: FleetOptions) => SecureContext | undefined;
  /** The instance's. */
  readonly table: FleetTable;
  readonly log: ControlLog;
  /** Who is told what happens. Default: nobody. */
  readonly events?: Events;
  /** Called when `recorded` may say something else. */
  readonly onRecorded?: () => void;
  /** What the store sets for a server of this pool; `null` = nothing. Default: nothing. */
  readonly overrideOf?: (server: DiscoveredServer) => StoreOverride | null;
  /** What operators want of a server of this pool; not there = they change servers by `withdraw` and the like alone. */
  readonly operatedOf?: (server: DiscoveredServer) => OperatedServer;
  /** What the other instances of the cluster make of servers; `null` = nothing fresh is known. Default: there are none. */
  readonly othersVotes?: (nowMs: number) => OthersVotes | null;
  readonly clock: ControlClock;
  /** What, added to its monotonic time, gives the boot clock (boot-clock.ts). Default: 0. */
  readonly bootOffsetMs?: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly resolver: Resolver;
  /** Where the instance stands among those of its cluster, for subsets. Default: alone. */
  readonly place?: () => RingPlace;
}

/**
 * Told of each change of the endpoints. When what it returns resolves, all workers know them: until then the servers that went
 * take requests, so that there is no moment without any.
 */
export type EndpointsListener = (endpoints: readonly Endpoint[]) => Promise<void> | void;

export class Fleet {
  readonly #deps: FleetDependencies;
  readonly #announce: FleetAnnouncer;
  readonly #discovery: Discovery;
  readonly #roster: Roster;
  readonly #subset: FleetSubset;
  readonly #observer: FleetObserver;
  readonly #publisher: FleetPublisher;
  readonly #loop: ControlLoop;
  readonly #work: LoopWork;
  readonly #listeners: EndpointsListener[] = [];
  readonly #counts = { ejections: 0, majorityEjections: 0, panics: 0, stateChanges: 0 };
  #options: FleetOptions | undefined;
  #trust: SecureContext | undefined;
  /** Set while a new configuration is taken over: its names change the fleet in one step. */
  #configuring = false;
  #stopped = false;
  #dismissed = false;
  /** Ends when all workers know the endpoints as they are; `null` = they do. */
  #telling: Promise<unknown> | null = null;
  /** Ends when the last configuration has been taken over, well or not. */
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: FleetDependencies) {
    this.#deps = deps;
    const { pool, table, resolver, log, events = NO_EVENTS, clock } = deps;
    const nowMs = (): number => clock.nowMs();
    this.#announce = new FleetAnnouncer(log, clock, this.#counts, events);
    this.#roster = new Roster(table, log);
    this.#subset = new FleetSubset(deps.place ?? (() => WHOLE_RING));
    this.#observer = new FleetObserver(table, nowMs, () => this.#publish(nowMs()));
    this.#publisher = new FleetPublisher(pool, table, this.#roster, this.#announce);
    this.#discovery = new Discovery({ resolver, log, nowMs, random: deps.random, chooseLoopback: firstListening });
    this.#discovery.onChange(() => this.#onDiscovery());
    this.#work = {
      tick: () => this.tick(),
      alarming: () => this.#options !== undefined && this.#observer.anyAlarming(this.#options.outlier),
      idleMs: (now: number) => this.#observer.idleMs(now),
    };
    this.#loop = deps.loop ?? new ControlLoop(nowMs);
  }

  /** Finds the servers (bounded: a name that does not answer joins later), publishes them and begins to probe. */
  async start(options: FleetOptions): Promise<void> {
    await this.#inTurn(() => this.#configure(options, true, OPERATOR_SIGNAL));
    if (!this.#stopped) this.#loop.add(this.#work);
  }

  /** As `start`, in an instance that runs: its servers get their share little by little. @param actor who wants it. */
  async join(options: FleetOptions, actor: string = OPERATOR_SIGNAL): Promise<void> {
    await this.#inTurn(() => this.#configure(options, false, actor));
    if (!this.#stopped) this.#loop.add(this.#work);
  }

  /** Takes over new options. Servers that stay keep id, state and statistics; removed ones drain. @param actor who wants it. */
  async update(options: FleetOptions, actor: string = OPERATOR_SIGNAL): Promise<void> {
    this.#dismissed = false;
    await this.#inTurn(() => this.#configure(options, false, actor));
  }

  /** Its pool has left the configuration: all servers drain, and nothing is looked for any more. @param actor who wants it. */
  async dismiss(actor: string): Promise<void> {
    this.#dismissed = true;
    await this.#inTurn(async () => {
      if (this.#dismissed && this.#options !== undefined)
        await this.#configure({ ...this.#options, servers: [] }, false, actor);
    });
  }

  /** Ends the control loop, discovery and all probes. What was published stays. */
  stop(): void {
    this.#stopped = true;
    this.#loop.remove(this.#work);
    this.#discovery.close();
    for (const { prober } of this.#roster.all()) prober.stop();
  }

  /** Where each server is reached, those that drain included: their requests are still under way. */
  endpoints(): readonly Endpoint[] {
    return this.#roster.endpoints();
  }

  /** `listener` is called after each change of `endpoints`, once the table has been published. */
  onEndpoints(listener: EndpointsListener): void {
    this.#listeners.push(listener);
  }

  servers(): readonly ServerStatus[] {
    return [...this.statuses()];
  }

  /** As `servers`, each as it is when it is read: percentiles take time, and there may be hundreds of servers. */
  *statuses(): IterableIterator<ServerStatus> {
    const attempts = this.#recentAttempts();
    for (const member of this.#roster.all()) yield this.#status(member, attempts);
  }

  server(id: number): ServerStatus | undefined {
    const member = [...this.#roster.all()].find((candidate) => candidate.id === id);
    return member && this.#status(member, this.#recentAttempts());
  }

  /** As history knows them: with what is configured, whatever is in force. */
  recorded(): RecordedServer[] {
    const { name: pool = DEFAULT_POOL } = this.#deps;
    return [...this.#roster.all()].map((member) => {
      const { id, slot, url, hostname, address, port } = member.endpoint();
      const { weight, capacity } = member.numbers;
      const configured = { weight: weight.configured, capacity: capacity.configured };
      return { id, slot, url, hostname, address, port, pool, ...configured, present: member.removedMs === undefined };
    });
  }

  /** Those of the configuration, for what this instance tells others of them. */
  present(): readonly FleetServer[] {
    return this.#roster.present();
  }

  /** Those of which a number was set at run time. */
  overridden(): OverriddenServer[] {
    const { name: pool = DEFAULT_POOL } = this.#deps;
    return [...this.#roster.all()].flatMap(({ id, server: { url, address }, numbers }) =>
      Object.values(numbers).some(({ origin }) => origin !== "configuration")
        ? [{ id, pool, url, address, numbers }]
        : [],
    );
  }

  /** As of the last look; readiness is made of it. */
  summary(): FleetSummary {
    return this.#publisher.summary;
  }

  /** Names of the configuration that no address is known of. */
  unresolved(): readonly string[] {
    return this.#discovery.unresolved();
  }

  /** Servers of the pool that this instance leaves to others. */
  get unused(): number {
    return this.#subset.unused;
  }

  /** True while addresses are those of an earlier answer, or missing. */
  get discoveryDegraded(): boolean {
    return this.#discovery.degraded;
  }

  /** Row of its pool in the shared memory. */
  get row(): number {
    return this.#deps.pool;
  }

  /** It has been given options. */
  get started(): boolean {
    return this.#options !== undefined;
  }

  /** Its pool has left the configuration. */
  get dismissed(): boolean {
    return this.#dismissed;
  }

  /** Nothing of it is left: no server, and no slot of one that went. */
  get empty(): boolean {
    return this.#roster.empty;
  }

  /** True while servers are left out because the shared memory cannot grow. */
  get outOfMemory(): boolean {
    return this.#roster.outOfMemory;
  }

  /** True while checks cannot be made, for want of something of our own. */
  get skippingChecks(): boolean {
    return this.#roster.present().some(({ prober }) => prober.skipped);
  }

  counters(): FleetEvents {
    const { resolutions, failures } = this.#discovery.counters;
    return { ...this.#observer.counts, ...this.#counts, dnsResolutions: resolutions, dnsFailures: failures };
  }

  /** Nothing new for this server until `bringBack`. @returns false when there is no such server. */
  withdraw(id: number, withdrawal: Withdrawal): boolean {
    return this.#change(id, (member) => member.withdraw(withdrawal));
  }

  /** @returns false when there is no such server. */
  bringBack(id: number): boolean {
    return this.#change(id, (member) => member.bringBack(this.#deps.clock.nowMs()));
  }

  /** @returns false when there is no such server or the weight is not a number > 0. */
  setWeight(id: number, weight: number): boolean {
    return Number.isFinite(weight) && weight > 0 && this.#change(id, (member) => member.setWeight(weight));
  }

  /** @param hardLimit 0 = not enforced. @returns false when there is no such server or the limit is not an integer ≥ 0. */
  setCapacity(id: number, hardLimit: number): boolean {
    const valid = Number.isInteger(hardLimit) && hardLimit >= 0 && hardLimit <= 0x7fffffff;
    return valid && this.#change(id, (member) => member.setHardLimit(hardLimit));
  }

  /** The store says other numbers for servers than before, or may. */
  takeOverrides(): void {
    this.#override(this.#roster.present());
    this.#publish(this.#deps.clock.nowMs());
  }

  /** Operators want something else of servers, or may. */
  takeOperated(): void {
    const nowMs = this.#deps.clock.nowMs();
    this.#operate(nowMs);
    this.#publish(nowMs);
  }

  /** One turn of the control loop. The timer calls it; tests may, to do without the timer. */
  tick(): void {
    const options = this.#options;
    if (options === undefined || this.#stopped) return;
    const nowMs = this.#deps.clock.nowMs();
    this.#discovery.tick(nowMs);
    this.#observer.readWorkers(nowMs);
    const present = this.#roster.present();
    judgeFleet(present, options.outlier, nowMs, {
      onEjected: (member, { cause, reason }, durationMs) => {
        this.#counts.ejections++;
        member.record.onEjected(cause);
        member.prober.alarm();
        member.ejectionReason = `ejected for ${(durationMs / 1000).toFixed(1)} s: ${reason}`;
      },
      onReturned: (member) => {
        member.upReason = "ejection over, on probation";
        onReturned(member, nowMs);
      },
    });
    this.#judgeTogether(options, nowMs);
    for (const member of present) {
      this.#announce.silence(member, options.outlier);
      member.prober.tick(nowMs, member.server, options, this.#trust, isUrgent(member));
    }
    paceRamps(present, options.slowStartMs, nowMs);
    this.#releaseDrained(nowMs);
    const isDue = this.#roster.isRetryDue(nowMs) || this.#subset.isDue(options.subsetSize, present, nowMs);
    if (isDue && !this.#configuring) this.#reconcile(false, BALANCER);
    this.#publish(nowMs);
  }

  /** What most instances have out is out here, too. */
  #judgeTogether({ outlier }: FleetOptions, nowMs: number): void {
    const others = this.#othersVotes(nowMs);
    judgeTogether(this.#roster.present(), others, outlier.maxEjectedPercent, nowMs, {
      onTakenOut: (member, votes) => {
        this.#counts.ejections++;
        this.#counts.majorityEjections++;
        member.record.onEjected("cluster");
        member.majorityReason = `out by majority: ${describeVotes(votes)}`;
      },
      onBroughtBack: (member, votes) => {
        member.upReason = votes === null ? "nothing fresh is known of other instances" : describeVotes(votes);
        onReturned(member, nowMs);
      },
    });
  }

  #othersVotes(nowMs: number): OthersVotes | null {
    return this.#deps.othersVotes?.(nowMs) ?? null;
  }

  /** Configurations are taken over one after the other. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #configure(options: FleetOptions, initial: boolean, actor: string): Promise<void> {
    const { trustOf = probeTrustOf } = this.#deps;
    this.#trust = trustOf(options); // first: it may throw, and then nothing has changed
    this.#options = options;
    for (const member of this.#roster.all()) {
      member.health.configure(options.health);
      if (!options.health.enabled) member.assumeUp();
      if (!options.metricsPoll.enabled) this.#observer.forgetUsage(member);
      member.prober.forgetUsage();
    }
    this.#configuring = true;
    try {
      const { servers, dns, kubernetes = NO_KUBERNETES, zone = null } = options;
      await this.#discovery.configure(servers, dns, { kubernetes, zone });
    } finally {
      this.#configuring = false;
    }
    this.#observer.readWorkers(this.#deps.clock.nowMs());
    this.#reconcile(initial, actor);
    this.tick();
  }

  #onDiscovery(): void {
    if (this.#configuring || this.#options === undefined) return;
    this.#reconcile(false, DISCOVERY);
    this.#publish(this.#deps.clock.nowMs());
  }

  /** Brings the members in line with what discovery knows. @param actor who made it learn that. */
  #reconcile(initial: boolean, actor: string): void {
    const nowMs = this.#deps.clock.nowMs();
    const join = (seat: Seat, server: DiscoveredServer): FleetServer => this.#join(seat, server, initial, nowMs);
    const wanted = this.#subset.choose(this.#discovery.servers(), this.#options!, this.#roster.present(), nowMs);
    const change = this.#roster.reconcile(wanted, nowMs, join);
    const { endpointsChanged, removed, joined } = change;
    if (!initial) this.#announce.membership(joined, change.left, actor); // of those at the start the start itself tells
    for (const [member, number] of change.undone) this.#announce.undone(member, number, actor);
    this.#override(joined);
    this.#operate(nowMs);
    if (endpointsChanged) {
      this.#publish(nowMs);
      const told = this.#listeners.map((listener) => listener(this.#roster.endpoints()));
      if (told.some((one) => one !== undefined)) this.#waitFor(Promise.all(told));
    }
    this.#deps.onRecorded?.();
    if (removed.length === 0) return;
    const letGo = (): void => {
      const goneMs = this.#deps.clock.nowMs();
      for (const go of removed) go(goneMs);
      this.#publish(goneMs);
    };
    if (this.#telling === null) letGo();
    else void this.#telling.finally(letGo);
  }

  /** Workers are told of endpoints: until they know them, nobody is let go of. */
  #waitFor(told: Promise<unknown>): void {
    this.#telling = told;
    void told.finally(() => {
      if (this.#telling === told) this.#telling = null;
    });
  }

  #join(seat: Seat, server: DiscoveredServer, initial: boolean, nowMs: number): FleetServer {
    const options = this.#options!;
    const { pool, name: poolName = DEFAULT_POOL, table, random, clock, bootOffsetMs = () => 0 } = this.#deps;
    const probes = this.#observer.probesOf(() => member);
    const deps = { pool, poolName, memory: table.memory, random, probes, nowMs: () => clock.nowMs(), bootOffsetMs };
    const member = new FleetServer(seat, server, options, deps, this.#observer.workers, nowMs, clock.wallMs());
    if (!options.health.enabled) member.assumeUp();
    // The fleet that the product starts with takes its full share at once: nobody else could carry it meanwhile.
    if (!initial) member.slowStart.begin(nowMs);
    this.#observer.watch(member, nowMs);
    return member;
  }

  #releaseDrained(nowMs: number): void {
    const { gone, slots } = this.#roster.releaseDrained(nowMs);
    for (const member of gone) this.#observer.forget(member);
    if (slots.length === 0) return;
    this.#publish(nowMs, slots);
    this.#deps.table.release(slots);
    if (this.#configuring) return; // the new configuration reconciles when its names are known
    this.#reconcile(false, BALANCER); // announces the endpoints that are left; with luck there is now room for one left out
  }

  #override(members: readonly FleetServer[]): void {
    const { overrideOf = () => null } = this.#deps;
    for (const member of members) {
      for (const name of member.override(overrideOf(member.server))) this.#announce.override(member, name);
    }
  }

  #operate(nowMs: number): void {
    const { operatedOf } = this.#deps;
    if (operatedOf === undefined) return;
    for (const member of this.#roster.present()) member.operate(operatedOf(member.server), nowMs);
  }

  #publish(nowMs: number, freed?: readonly number[]): void {
    if (this.#options !== undefined) this.#publisher.publish(this.#options, nowMs, freed);
  }

  #change(id: number, apply: (member: FleetServer) => void): boolean {
    const member = this.#roster.present().find((candidate) => candidate.id === id);
    if (member === undefined) return false;
    apply(member);
    this.#publish(this.#deps.clock.nowMs());
    return true;
  }

  /** At all of its servers, over the last ten seconds. */
  #recentAttempts(): number {
    let attempts = 0;
    for (const { windows } of this.#roster.all()) attempts += windows.recentAttempts;
    return attempts;
  }

  #status(member: FleetServer, poolAttempts: number): ServerStatus {
    const slowStartMs = this.#options?.slowStartMs ?? 0;
    const nowMs = this.#deps.clock.nowMs();
    const votes = member.removedMs === undefined ? votesOf(member, this.#othersVotes(nowMs), nowMs) : null;
    return member.status(nowMs, slowStartMs, this.#observer.workers, poolAttempts, votes);
  }
}
