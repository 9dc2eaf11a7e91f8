/**
 * The fleet: which servers there are and what state each is in. Runs in the supervisor and is the only writer of the
 * shared server table. Decisions are made in one control loop, ten times a second, and at once when a server fails
 * everything; all that it reads is in memory.
 */
import type { SecureContext } from "node:tls";
import { isUrgent, onCheck, onReturned } from "../../health/checked-server.ts";
import { CONTROL_LOOK_MS, CONTROL_TICK_MS } from "../../health/control-loop.ts";
import { isAlarming, judgeFleet } from "../../health/fleet-ejection.ts";
import { PanicMode } from "../../health/panic-mode.ts";
import { probeTrust } from "../../health/probe/probe.ts";
import { UNKNOWN_USAGE, type Usage } from "../../health/probe/response.ts";
import { paceRamps } from "../../health/slow-start.ts";
import { Header, MAX_SERVERS, ServerState, type SharedMemory, type WorkerBlock } from "../../shared/layout.ts";
import type { Endpoint } from "../../shared/protocol.ts";
import { publishReadiness } from "../../shared/readiness.ts";
import { type ServerRow, ServerTableWriter } from "../../shared/server-table-writer.ts";
import type { FleetEvents } from "../../telemetry/metrics/source.ts";
import type { ControlClock } from "../clock.ts";
import type { DiscoveredServer } from "../discovery/discovered-server.ts";
import { Discovery } from "../discovery/discovery.ts";
import { firstListening } from "../discovery/dns/loopback.ts";
import type { Resolver } from "../discovery/dns/resolver.ts";
import type { ControlLog } from "../log.ts";
import { FleetActivity } from "./activity.ts";
import { FleetAnnouncer } from "./announcer.ts";
import { compareMembership, identityOf, Seats } from "./membership.ts";
import type { FleetOptions, FleetSummary, ServerStatus } from "./options.ts";
import { FleetServer } from "./server.ts";

export type * from "./options.ts";

/** A removed server keeps its slot at least so long: a worker may have chosen it just before it was removed. */
const MIN_DRAIN_MS = 1_000;
/** After this a removed server is no longer shown, although requests (tunnels) are in flight; its slot stays taken. */
const MAX_SHOWN_DRAIN_MS = 2 * 60 * 60 * 1_000;

/** How often a server that found no room in the shared memory is tried again. */
const MEMORY_RETRY_MS = 5_000;

const FREE_ROW: ServerRow = Object.freeze({
  id: 0,
  state: ServerState.EMPTY,
  weight: 0,
  effectiveWeight: 0,
  capacity: 0,
  hardLimit: 0,
});

/** What the fleet is given. */
export interface FleetDependencies {
  readonly memory: SharedMemory;
  readonly log: ControlLog;
  readonly clock: ControlClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly resolver: Resolver;
  /** Makes room for slots 0 … `count`-1 in the shared memory; throws when there is none. Default: there always is. */
  readonly reserveSlots?: (count: number) => void;
}

export class Fleet {
  readonly #deps: FleetDependencies;
  readonly #writer: ServerTableWriter;
  readonly #announce: FleetAnnouncer;
  readonly #discovery: Discovery;
  readonly #seats = new Seats();
  readonly #panic = new PanicMode();
  /** By identity; removed servers stay until they have drained. */
  readonly #members = new Map<string, FleetServer>();
  readonly #activity = new FleetActivity();
  /** Servers of the configuration, without those that were removed; `undefined` = to be found anew. */
  #presentNow: readonly FleetServer[] | undefined;
  /** Slots to be published as free. */
  readonly #freed = new Set<number>();
  /** Slots of servers that are shown no more but still have requests in flight. */
  readonly #undrained = new Set<number>();
  readonly #listeners: ((endpoints: readonly Endpoint[]) => void)[] = [];
  readonly #counts = {
    healthChecks: 0,
    healthCheckFailures: 0,
    healthChecksSkipped: 0,
    ejections: 0,
    panics: 0,
    stateChanges: 0,
    usageIgnored: 0,
  };
  #options: FleetOptions | undefined;
  #trust: SecureContext | undefined;
  #timer: Timer | undefined;
  #endpoints: readonly Endpoint[] = [];
  #summary: FleetSummary = { total: 0, healthy: 0, panic: false };
  #workers: readonly WorkerBlock[] = [];
  /** Set while a new configuration is taken over: its names change the fleet in one step. */
  #configuring = false;
  #overflowing = false;
  /** The shared memory has no room for a server; monotonic milliseconds of the next try. */
  #noRoomUntilMs: number | undefined;
  #stopped = false;
  /** Monotonic milliseconds of the next turn of the control loop. */
  #tickDueMs = 0;
  /** Ends when the last configuration has been taken over, well or not. */
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: FleetDependencies) {
    this.#deps = deps;
    this.#writer = new ServerTableWriter(deps.memory);
    const { resolver, log, clock } = deps;
    this.#announce = new FleetAnnouncer(log, clock, this.#counts);
    this.#discovery = new Discovery({ resolver, log, nowMs: () => clock.nowMs(), chooseLoopback: firstListening });
    this.#discovery.onChange(() => this.#onDiscovery());
  }

  /** Finds the servers (bounded: a name that does not answer joins later), publishes them and begins to probe. */
  async start(options: FleetOptions): Promise<void> {
    await this.#inTurn(() => this.#configure(options, true));
    this.#lookAgain();
  }

  /** Takes over new options. Servers that stay keep id, state and statistics; removed ones drain. */
  async update(options: FleetOptions): Promise<void> {
    await this.#inTurn(() => this.#configure(options, false));
  }

  /** Ends the control loop and all probes. What was published stays. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#discovery.close();
    for (const member of this.#members.values()) member.prober.stop();
  }

  /** Where each server is reached, those that drain included: their requests are still under way. */
  endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** `listener` is called after each change of `endpoints`, once the table has been published. */
  onEndpoints(listener: (endpoints: readonly Endpoint[]) => void): void {
    this.#listeners.push(listener);
  }

  servers(): readonly ServerStatus[] {
    return [...this.statuses()];
  }

  /** As `servers`, each as it is when it is read: percentiles take time, and there may be hundreds of servers. */
  *statuses(): IterableIterator<ServerStatus> {
    for (const member of this.#members.values()) yield this.#status(member);
  }

  server(id: number): ServerStatus | undefined {
    const member = [...this.#members.values()].find((candidate) => candidate.id === id);
    return member && this.#status(member);
  }

  #status(member: FleetServer): ServerStatus {
    return member.status(this.#deps.clock.nowMs(), this.#options?.slowStartMs ?? 0, this.#workers);
  }

  /** As of the last look; readiness is made of it. */
  summary(): FleetSummary {
    return this.#summary;
  }

  /** Names of the configuration that no address is known of. */
  unresolved(): readonly string[] {
    return this.#discovery.unresolved();
  }

  /** True while servers are left out because the shared memory cannot grow. */
  get outOfMemory(): boolean {
    return this.#noRoomUntilMs !== undefined;
  }

  /** True while checks cannot be made, for want of something of our own. */
  get skippingChecks(): boolean {
    return this.#present().some(({ prober }) => prober.skipped);
  }

  counters(): FleetEvents {
    const { resolutions, failures } = this.#discovery.counters;
    return { ...this.#counts, dnsResolutions: resolutions, dnsFailures: failures };
  }

  /** Nothing new for this server until `undrain`. @returns false when there is no such server. */
  drain(id: number): boolean {
    return this.#change(id, (member) => {
      member.draining = true;
    });
  }

  /** @returns false when there is no such server. */
  undrain(id: number): boolean {
    return this.#change(id, (member) => {
      if (!member.draining) return;
      member.draining = false;
      member.upReason = "no longer drained";
      member.slowStart.begin(this.#deps.clock.nowMs());
    });
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

  /** One turn of the control loop. The timer calls it; tests may, to do without the timer. */
  tick(): void {
    const options = this.#options;
    if (options === undefined || this.#stopped) return;
    const nowMs = this.#deps.clock.nowMs();
    this.#discovery.tick(nowMs);
    this.#readWorkers(nowMs);
    const present = this.#present();
    judgeFleet(present, options.outlier, nowMs, {
      onEjected: (member, reason, durationMs) => {
        this.#counts.ejections++;
        member.prober.alarm();
        member.ejectionReason = `ejected for ${(durationMs / 1000).toFixed(1)} s: ${reason}`;
      },
      onReturned: (member) => {
        member.upReason = "ejection over, on probation";
        onReturned(member, nowMs);
      },
    });
    for (const member of present) {
      this.#announce.silence(member, options.outlier);
      member.prober.tick(nowMs, member.server, options, this.#trust, isUrgent(member));
    }
    paceRamps(present, options.slowStartMs, nowMs);
    this.#releaseDrained(nowMs);
    if (this.#noRoomUntilMs !== undefined && nowMs >= this.#noRoomUntilMs && !this.#configuring) this.#reconcile(false);
    this.#publish(nowMs);
  }

  /** Each look wakes a process that may have nothing else to do. */
  #lookAgain(): void {
    if (this.#stopped) return;
    const idle = this.#activity.idleMs(this.#deps.clock.nowMs()) > CONTROL_TICK_MS;
    this.#timer = setTimeout(
      () => {
        try {
          this.#look();
        } finally {
          this.#lookAgain();
        }
      },
      idle ? CONTROL_TICK_MS : CONTROL_LOOK_MS,
    );
  }

  #look(): void {
    const options = this.#options;
    if (options === undefined) return;
    const nowMs = this.#deps.clock.nowMs();
    const due = nowMs >= this.#tickDueMs;
    if (!due && !this.#anyAlarming(options)) return;
    if (due) this.#tickDueMs = nowMs + CONTROL_TICK_MS - CONTROL_LOOK_MS / 2; // timers are late: the fifth look is to be the one
    this.tick();
  }

  #anyAlarming({ outlier }: FleetOptions): boolean {
    const { consecutiveFailures } = this.#deps.memory.servers;
    return this.#activity.anyFailing(consecutiveFailures, (member) => isAlarming(member, outlier));
  }

  /** Configurations are taken over one after the other. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #configure(options: FleetOptions, initial: boolean): Promise<void> {
    const trust = probeTrust(options.upstreamCaPem); // first: it may throw, and then nothing has changed
    this.#trust = trust;
    this.#options = options;
    for (const member of this.#members.values()) {
      member.health.configure(options.health);
      if (!options.health.enabled) member.assumeUp();
      if (!options.metricsPoll.enabled) this.#onUsage(member, UNKNOWN_USAGE);
      member.prober.forgetUsage();
    }
    this.#configuring = true;
    try {
      await this.#discovery.configure(options.servers, options.dns);
    } finally {
      this.#configuring = false;
    }
    this.#readWorkers(this.#deps.clock.nowMs());
    this.#reconcile(initial);
    this.tick();
  }

  #onDiscovery(): void {
    if (this.#configuring || this.#options === undefined) return;
    this.#reconcile(false);
    this.#publish(this.#deps.clock.nowMs());
  }

  /** Brings the members in line with what discovery knows. */
  #reconcile(initial: boolean): void {
    const change = compareMembership(this.#members, this.#discovery.servers());
    const nowMs = this.#deps.clock.nowMs();
    for (const member of change.removed) member.removedMs ??= nowMs;
    for (const [member, server] of change.kept) {
      member.respecify(server);
      if (member.removedMs !== undefined) {
        member.removedMs = undefined;
        member.upReason = "back in the configuration";
        member.slowStart.begin(nowMs);
      }
    }
    let refused = 0;
    const wasOutOfMemory = this.outOfMemory;
    this.#noRoomUntilMs = undefined;
    this.#presentNow = undefined;
    for (const server of change.added) if (!this.#add(server, initial, nowMs)) refused++;
    if (this.outOfMemory) {
      if (!wasOutOfMemory) {
        this.#deps.log.error({ left_out: refused }, `no room in the shared memory: ${refused} servers are left out`);
      }
    } else if (wasOutOfMemory) this.#deps.log.info({}, "the shared memory has room for all servers again");
    else if (refused > 0 && !this.#overflowing) {
      this.#deps.log.error(
        { limit: MAX_SERVERS, left_out: refused },
        `more servers than the limit of ${MAX_SERVERS}: ${refused} are left out`,
      );
    }
    this.#overflowing = refused > 0 && !this.outOfMemory;
    const endpoints = [...this.#members.values()].map((member) => member.endpoint());
    if (Bun.deepEquals(endpoints, this.#endpoints)) return;
    this.#publish(nowMs);
    this.#announceEndpoints(endpoints);
  }

  #add(server: DiscoveredServer, initial: boolean, nowMs: number): boolean {
    const options = this.#options!;
    const seat = this.#seats.take();
    if (seat === undefined) return false;
    if (!this.#makeRoom(seat.slot, nowMs)) return false;
    const { memory, random, clock } = this.#deps;
    const probes = {
      onHealth: (healthy: boolean, reason: string) => this.#onHealth(member, healthy, reason),
      onSkipped: () => void this.#counts.healthChecksSkipped++,
      onUsage: (usage: Usage, ignored: number) => {
        this.#onUsage(member, usage);
        this.#counts.usageIgnored += ignored;
      },
    };
    const deps = { memory, random, probes, nowMs: () => clock.nowMs() };
    const member = new FleetServer(seat, server, options, deps, this.#workers, nowMs, clock.wallMs());
    if (!options.health.enabled) member.assumeUp();
    // The fleet that the product starts with takes its full share at once: nobody else could carry it meanwhile.
    if (!initial) member.slowStart.begin(nowMs);
    this.#freed.delete(seat.slot);
    this.#members.set(identityOf(server), member);
    this.#activity.add(member, nowMs);
    return true;
  }

  #makeRoom(slot: number, nowMs: number): boolean {
    try {
      this.#deps.reserveSlots?.(slot + 1);
      return true;
    } catch {
      this.#seats.release(slot);
      this.#noRoomUntilMs = nowMs + MEMORY_RETRY_MS;
      return false;
    }
  }

  #onHealth(member: FleetServer, healthy: boolean, reason: string): void {
    this.#counts.healthChecks++;
    if (!healthy) this.#counts.healthCheckFailures++;
    const nowMs = this.#deps.clock.nowMs();
    const transition = onCheck(member, healthy, nowMs);
    if (transition === "none") return;
    if (transition === "up") member.prober.forgetUsage();
    if (healthy) member.upReason = "health check passed";
    else member.downReason = `health check failed: ${reason}`;
    this.#publish(nowMs);
  }

  #onUsage(member: FleetServer, usage: Usage): void {
    member.usage.onPoll(usage);
    this.#writeUsage(member, this.#deps.clock.nowMs());
  }

  #writeUsage(member: FleetServer, nowMs: number): void {
    const { cpuPercent, memoryPercent } = member.usage.advance(this.#workers, nowMs);
    this.#writer.setUsage(member.slot, cpuPercent, memoryPercent);
  }

  #readWorkers(nowMs: number): void {
    const { header, workers } = this.#deps.memory;
    // The counts of workers that are gone still belong to the sums. No more than were used: reading a page of the sparse
    // file makes it real, and where there is no room for it ends the process.
    const count = header[Header.WORKER_BLOCKS];
    if (count !== this.#workers.length) this.#workers = workers.slice(0, count);
    this.#activity.look(this.#workers, nowMs, (member) => {
      member.windows.advance(this.#workers, nowMs);
      this.#writeUsage(member, nowMs); // reports come in answers, which are outcomes
    });
  }

  #releaseDrained(nowMs: number): void {
    let freed = false;
    const free = (slot: number): void => {
      this.#freed.add(slot);
      freed = true;
    };
    for (const member of this.#members.values()) {
      if (member.removedMs === undefined || nowMs - member.removedMs < MIN_DRAIN_MS) continue;
      const idle = member.inFlight <= 0;
      if (!idle && nowMs - member.removedMs < MAX_SHOWN_DRAIN_MS) continue;
      member.prober.stop();
      this.#members.delete(identityOf(member.server));
      this.#activity.remove(member);
      if (idle) free(member.slot);
      else this.#undrained.add(member.slot);
    }
    for (const slot of this.#undrained) {
      if (Atomics.load(this.#deps.memory.servers.inFlight, slot) > 0) continue;
      this.#undrained.delete(slot);
      free(slot);
    }
    if (!freed) return;
    this.#publish(nowMs);
    for (const slot of this.#freed) {
      this.#writer.setUsage(slot, Number.NaN, Number.NaN);
      this.#seats.release(slot);
    }
    this.#freed.clear();
    if (this.#configuring) return; // the new configuration reconciles when its names are known
    this.#reconcile(false); // announces the endpoints that are left; with luck there is now room for one left out
  }

  #publish(nowMs: number): void {
    const slowStartMs = this.#options?.slowStartMs ?? 0;
    const present = this.#present();
    let total = 0;
    let up = 0;
    let healthy = 0;
    for (const { state, health } of present) {
      if (state !== ServerState.DRAINING) total++;
      if (state !== ServerState.UP) continue;
      up++;
      if (health.proven) healthy++;
    }
    const wasPanic = this.#panic.on;
    const panic = this.#panic.update(up, total, this.#options?.panicThresholdPercent ?? 0, nowMs);
    if (panic !== wasPanic) this.#announce.panic(panic, up, total);

    const rows = new Map<number, ServerRow>();
    for (const slot of this.#freed) rows.set(slot, FREE_ROW);
    for (const member of this.#members.values()) {
      const row = member.row(nowMs, slowStartMs);
      if (row !== member.published) rows.set(member.slot, row);
      member.published = row;
    }
    this.#writer.publish(rows, panic);
    this.#summary = { total: present.length, healthy, panic };
    publishReadiness(this.#deps.memory, this.#summary);
    for (const member of this.#members.values()) this.#announce.state(member);
  }

  #announceEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = Object.freeze(endpoints);
    for (const listener of this.#listeners) listener(this.#endpoints);
  }

  /** The servers of the configuration, without those that were removed. */
  #present(): readonly FleetServer[] {
    this.#presentNow ??= [...this.#members.values()].filter((member) => member.removedMs === undefined);
    return this.#presentNow;
  }

  #change(id: number, apply: (member: FleetServer) => void): boolean {
    const member = this.#present().find((candidate) => candidate.id === id);
    if (member === undefined) return false;
    apply(member);
    this.#publish(this.#deps.clock.nowMs());
    return true;
  }
}
