/** One server of the fleet: its state machines, and what follows from them for the table and for the API. */
import { judgedState } from "../../health/checked-server.ts";
import { HealthState } from "../../health/health-state.ts";
import { isMajority, MajorityVerdict, type OwnVerdict, type Votes } from "../../health/majority.ts";
import { OutlierEjection } from "../../health/outlier-ejection.ts";
import type { StandbyFor } from "../../health/servers-in-use.ts";
import { SlowStart } from "../../health/slow-start.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import { ServerState, type SharedMemory, type WorkerBlock } from "../../shared/memory/layout/shared-memory.ts";
import { limitInForce, sourcesInForce } from "../../shared/memory/learned-limits.ts";
import { ownInFlight } from "../../shared/memory/peers.ts";
import type { ServerRow } from "../../shared/memory/server-table/writer.ts";
import { SERVER_PROTOCOLS } from "../../shared/server-spec.ts";
import { type DiscoveredServer, zoneOf } from "../discovery/discovered-server.ts";
import type { Seat } from "./membership.ts";
import type { OperatedServer } from "./operated.ts";
import type { FleetOptions } from "./options.ts";
import { isOfConfigured, OverridableNumber, type OverriddenName, type StoreOverride } from "./overrides.ts";
import { Prober, type ProberEvents } from "./prober.ts";
import { ServerRecord } from "./record.ts";
import type { OverridableView, ServerStateName, ServerStatus } from "./status.ts";
import { ServerUsage } from "./usage.ts";
import { ServerWindows } from "./windows.ts";
import { describeWithdrawal, viewOf, type Withdrawal } from "./withdrawal.ts";

/** What a server of the fleet is given. */
export interface FleetServerDependencies {
  /** Row of its pool. */
  readonly pool: number;
  readonly poolName: string;
  readonly memory: SharedMemory;
  readonly random: () => number;
  readonly probes: ProberEvents;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** What, added to it, gives the boot clock (boot-clock.ts). */
  readonly bootOffsetMs: () => number;
}

/** A number that was set at run time and is not in force any more, because what is configured went `from` something `to` else. */
export interface UndoneNumber {
  readonly name: OverriddenName;
  readonly value: number;
  readonly from: number;
  readonly to: number;
}

/** As it is published. */
const STATE_OF = { drain: ServerState.DRAINING, maintenance: ServerState.MAINTENANCE } as const;

export class FleetServer {
  readonly slot: number;
  readonly id: number;
  readonly health: HealthState;
  readonly slowStart = new SlowStart();
  readonly outlier: OutlierEjection;
  /** What most instances of the cluster make of it. */
  readonly majority: MajorityVerdict;
  readonly windows: ServerWindows;
  readonly usage: ServerUsage;
  readonly prober: Prober;
  /** What has become of it since it came. */
  readonly record: ServerRecord;
  /** When it left the configuration; `undefined` = it is in it. */
  removedMs: number | undefined;
  /** It has left the configuration, and takes requests until those who came instead are known to all workers. */
  leaving = false;
  /** How often it has left. */
  #removals = 0;
  /** What it is kept for, while others take the requests; as `ServersInUse` said. */
  standby: StandbyFor | null = null;
  /** Why it is up, down or ejected, when it is; kept by whoever makes it so. */
  upReason = "no health check yet";
  downReason = "";
  ejectionReason = "";
  majorityReason = "";
  sinceWallMs: number;
  /** As many requests in a row got no response as would eject it, as of the last tick. */
  silent = false;
  /** It is, and it was not ejected. */
  passedOver = false;
  /** What the shared table has of it. */
  published: ServerRow | undefined;
  /** The state at the last tick, to notice changes by. */
  announced: ServerStateName | undefined;

  readonly #pool: number;
  readonly #poolName: string;
  readonly #memory: SharedMemory;
  readonly #bootOffsetMs: () => number;
  #server: DiscoveredServer;
  readonly #weight = new OverridableNumber();
  readonly #hardLimit = new OverridableNumber();
  #withdrawal: Withdrawal | null = null;
  #row: ServerRow | undefined;

  constructor(
    seat: Seat,
    server: DiscoveredServer,
    options: FleetOptions,
    deps: FleetServerDependencies,
    workers: readonly WorkerBlock[],
    nowMs: number,
    wallMs: number,
  ) {
    this.slot = seat.slot;
    this.id = seat.id;
    this.#server = server;
    this.#pool = deps.pool;
    this.#poolName = deps.poolName;
    this.#memory = deps.memory;
    this.#bootOffsetMs = deps.bootOffsetMs;
    this.health = new HealthState(options.health);
    this.outlier = new OutlierEjection(deps.random);
    this.majority = new MajorityVerdict(nowMs);
    this.windows = new ServerWindows(seat.slot, workers, nowMs);
    this.usage = new ServerUsage(seat.slot);
    this.prober = new Prober(deps.probes, deps.random, deps.nowMs);
    this.record = new ServerRecord(nowMs);
    this.sinceWallMs = wallMs;
    this.forgetFailures();
  }

  get server(): DiscoveredServer {
    return this.#server;
  }

  /**
   * Takes over new settings. A weight or limit that was set at run time lasts until the configuration itself changes that
   * number. @returns what an operator had set and is undone by that.
   */
  respecify(server: DiscoveredServer): UndoneNumber[] {
    const { weight, spec } = this.#server;
    this.#server = server;
    const undone: UndoneNumber[] = [];
    const reset = (name: OverriddenName, number: OverridableNumber, from: number, to: number): void => {
      const value = number.reset();
      if (value !== undefined) undone.push({ name, value, from, to });
    };
    if (server.weight !== weight) reset("weight", this.#weight, weight, server.weight);
    if (server.spec.hardLimit !== spec.hardLimit || server.spec.capacity !== spec.capacity) {
      reset("capacity", this.#hardLimit, spec.capacity, server.spec.capacity);
    }
    return undone;
  }

  /** What the store has set for it; `null` = nothing. @returns the numbers that are others now. */
  override(set: StoreOverride | null): OverriddenName[] {
    const { weight, spec } = this.#server;
    const changed: OverriddenName[] = [];
    if (set === null || isOfConfigured(set.configuredWeight, weight)) {
      if (this.#weight.tell(set?.weight ?? null)) changed.push("weight");
    }
    if (set === null || isOfConfigured(set.configuredCapacity, spec.capacity)) {
      if (this.#hardLimit.tell(set?.capacity ?? null)) changed.push("capacity");
    }
    return changed;
  }

  /** Weight and capacity: what is in force, what is configured, and where the former comes from. */
  get numbers(): Readonly<Record<OverriddenName, OverridableView>> {
    const { weight, spec } = this.#server;
    return {
      weight: { value: this.#weight.value ?? weight, configured: weight, origin: this.#weight.origin },
      capacity: {
        value: this.#hardLimit.value || spec.capacity,
        configured: spec.capacity,
        origin: this.#hardLimit.origin,
      },
    };
  }

  /** It is in the configuration no more. @returns lets go of it: it takes no more requests, unless it has come back since. */
  remove(nowMs: number): (nowMs: number) => void {
    const removal = ++this.#removals;
    this.removedMs = nowMs;
    this.leaving = true;
    return (goneMs) => {
      if (!this.leaving || removal !== this.#removals) return;
      this.leaving = false;
      this.removedMs = goneMs;
    };
  }

  /** It is in the configuration again, if it was not. */
  comeBack(nowMs: number): void {
    if (this.removedMs === undefined) return;
    this.removedMs = undefined;
    this.leaving = false;
    this.upReason = "back in the configuration";
    this.slowStart.begin(nowMs);
  }

  /** An operator takes it out; one who has done so already may say another kind, reason or end. */
  withdraw(withdrawal: Withdrawal): void {
    this.#withdrawal = withdrawal;
  }

  /** That it was taken out; `null` = nobody has done that. */
  get withdrawal(): Withdrawal | null {
    return this.#withdrawal;
  }

  /** The operator wants it back, if it was taken out. Who has worked on it has made something else of it: it begins anew. */
  bringBack(nowMs: number): void {
    const withdrawal = this.#withdrawal;
    if (withdrawal === null) return;
    this.#withdrawal = null;
    this.slowStart.begin(nowMs);
    this.upReason = withdrawal.kind === "drain" ? "no longer drained" : "maintenance is over";
    if (withdrawal.kind === "drain") return;
    this.outlier.release(nowMs);
    this.forgetFailures();
  }

  /** What operators want of it, as it is kept. */
  operate({ weight, capacity, withdrawal }: OperatedServer, nowMs: number): void {
    this.#weight.operate(weight);
    this.#hardLimit.operate(capacity);
    if (withdrawal !== null) this.withdraw(withdrawal);
    else this.bringBack(nowMs);
  }

  setWeight(weight: number): void {
    this.#weight.set(weight);
  }

  setHardLimit(hardLimit: number): void {
    this.#hardLimit.set(hardLimit);
  }

  /** Requests of this instance there. */
  get inFlight(): number {
    return ownInFlight(this.#memory, this.slot);
  }

  get consecutiveFailures(): number {
    return Atomics.load(this.#memory.servers.consecutiveFailures, this.slot);
  }

  get consecutiveUnanswered(): number {
    return Atomics.load(this.#memory.servers.consecutiveUnanswered, this.slot);
  }

  /** What comes next is judged by itself. */
  forgetFailures(): void {
    Atomics.store(this.#memory.servers.consecutiveFailures, this.slot, 0);
    Atomics.store(this.#memory.servers.consecutiveUnanswered, this.slot, 0);
    Atomics.store(this.#memory.servers.consecutiveBroken, this.slot, 0);
    this.windows.restart();
  }

  /** Takes requests while none of the pool's others does. */
  get backup(): boolean {
    return this.#server.spec.backup;
  }

  /** Where it is; `null` = not said. */
  get zone(): string | null {
    return zoneOf(this.#server);
  }

  /** What checks, requests and operators make of it. */
  get state(): ServerState {
    if (this.removedMs !== undefined && !this.leaving) return ServerState.DRAINING;
    if (this.#withdrawal !== null) return STATE_OF[this.#withdrawal.kind];
    const own = judgedState(this);
    return own === ServerState.UP && this.majority.out ? ServerState.EJECTED : own;
  }

  /** What this instance makes of it by itself; the others are told nothing else. */
  get ownVerdict(): OwnVerdict {
    if (!this.health.up) return "down";
    return this.outlier.ejected ? "ejected" : "up";
  }

  /** As it is published. */
  get shownState(): ServerState {
    const { state } = this;
    return state === ServerState.UP && this.standby !== null ? ServerState.STANDBY : state;
  }

  get stateName(): ServerStateName {
    switch (this.shownState) {
      case ServerState.STANDBY:
        return "standby";
      case ServerState.DRAINING:
        return "draining";
      case ServerState.MAINTENANCE:
        return "maintenance";
      case ServerState.DOWN:
        return "down";
      case ServerState.EJECTED:
        return "ejected";
      default:
        return this.health.proven ? "up" : "starting";
    }
  }

  /** Why it is in its state, for an operator. */
  get reason(): string {
    if (this.removedMs !== undefined) return "no longer in the configuration";
    if (this.#withdrawal !== null) return describeWithdrawal(this.#withdrawal);
    if (!this.health.up) return this.downReason;
    if (this.outlier.ejected) return this.ejectionReason;
    if (this.majority.out) return this.majorityReason;
    if (this.standby === "primaries") return "a backup: others of its pool are up";
    if (this.standby === "zone") return `in zone ${this.zone}: enough servers of the zone of this instance are up`;
    return this.passedOver ? "gives no answers: those that do come first" : this.upReason;
  }

  /** Health checks are off: there is nothing to prove. */
  assumeUp(): void {
    this.health.assumeUp();
    this.upReason = "health checks are off";
  }

  /** What the shared table should have of it; the same object as long as nothing of it has changed. */
  row(nowMs: number, slowStartMs: number): ServerRow {
    const weight = this.#weight.value ?? this.#server.weight;
    const effectiveWeight = weight * this.slowStart.step(nowMs, slowStartMs);
    const hardLimit = this.#hardLimit.value ?? this.#server.spec.hardLimit;
    const capacity = this.#hardLimit.value || this.#server.spec.capacity;
    const state = this.shownState;
    const old = this.#row;
    const same =
      old !== undefined &&
      old.state === state &&
      old.weight === weight &&
      old.effectiveWeight === effectiveWeight &&
      old.capacity === capacity &&
      old.hardLimit === hardLimit;
    if (same) return old;
    this.#row = { id: this.id, pool: this.#pool, state, weight, effectiveWeight, capacity, hardLimit };
    return this.#row;
  }

  endpoint(): Endpoint {
    const { url, hostname, address, port, spec } = this.#server;
    return {
      slot: this.slot,
      id: this.id,
      pool: this.#pool,
      url,
      hostname,
      address,
      port,
      ...SERVER_PROTOCOLS[spec.scheme],
    };
  }

  /**
   * @param poolAttempts `recentAttempts` of all servers of its pool.
   * @param votes of the instances of its cluster; `null` = nothing fresh is known of others.
   */
  status(
    nowMs: number,
    slowStartMs: number,
    workers: readonly WorkerBlock[],
    poolAttempts: number,
    votes: Votes | null,
  ): ServerStatus {
    const row = this.row(nowMs, slowStartMs);
    const total = this.windows.total();
    const recent = this.windows.recent();
    const usage = this.usage.advance(workers, nowMs);
    const { weight, capacity } = this.numbers;
    const learned = this.#memory.learned[this.#pool];
    return {
      id: this.id,
      url: this.#server.url,
      address: this.#server.address,
      port: this.#server.port,
      pool: this.#poolName,
      zone: this.zone,
      backup: this.backup,
      alive: row.state === ServerState.UP || row.state === ServerState.STANDBY,
      state: this.stateName,
      reason: this.reason,
      state_reason: this.reason,
      cluster: votes && { own: this.ownVerdict, ...votes, majority: isMajority(votes) },
      removed: this.removedMs !== undefined,
      maintenance: this.#withdrawal && viewOf(this.#withdrawal),
      weight: row.weight,
      effective_weight: row.effectiveWeight,
      capacity: row.capacity,
      hard_limit: row.hardLimit,
      configured_weight: weight.configured,
      weight_origin: weight.origin,
      configured_capacity: capacity.configured,
      configured_hard_limit: this.#server.spec.hardLimit,
      capacity_origin: capacity.origin,
      concurrency_limit: limitInForce(learned, this.slot, this.id, nowMs + this.#bootOffsetMs()),
      concurrency_limit_sources: sourcesInForce(learned, this.slot, this.id, nowMs + this.#bootOffsetMs()),
      active_connections: this.inFlight,
      peer_connections: Math.max(0, this.#memory.peers.inFlight[this.slot]),
      cpu_usage: Number.isNaN(usage.cpuPercent) ? null : usage.cpuPercent,
      memory_usage: Number.isNaN(usage.memoryPercent) ? null : usage.memoryPercent,
      requests: total.attempts,
      failures: total.failures,
      error_rate: recent.attempts === 0 ? 0 : Math.min(1, recent.failures / recent.attempts),
      response_ms: this.windows.percentiles(workers),
      traffic_share: poolAttempts === 0 ? null : Math.min(1, this.windows.recentAttempts / poolAttempts),
      health_checks: this.record.checks,
      ejections: this.record.ejections,
      state_seconds: this.record.stateSeconds(nowMs),
      since: new Date(this.sinceWallMs).toISOString(),
    };
  }
}
