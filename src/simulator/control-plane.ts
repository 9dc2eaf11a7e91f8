/**
 * Health, ejection, slow start and panic routing of one simulated instance: the product's state machines on simulated
 * time, put together as control/fleet/fleet.ts does it on real time.
 */

import { isEligible } from "../balancing/eligibility.ts";
import { FailingServers } from "../balancing/failing-servers.ts";
import { type RingPlace, type SubsetSize, subsetOf } from "../balancing/subset.ts";
import { SECTIONS } from "../config/schema.ts";
import type { Section } from "../config/setting.ts";
import { type CheckedServer, isUrgent, judgedState, onCheck, onReturned } from "../health/checked-server.ts";
import { CONTROL_TICK_MS } from "../health/control-loop.ts";
import { isAlarming, type JudgedServer, judgeFleet } from "../health/fleet-ejection.ts";
import { HealthState, type HealthThresholds } from "../health/health-state.ts";
import { OutcomeWindows } from "../health/outcome-windows.ts";
import { OutlierEjection, type OutlierOptions } from "../health/outlier-ejection.ts";
import { PanicMode } from "../health/panic-mode.ts";
import { ProbeSchedule } from "../health/probe/schedule.ts";
import { paceRamps, SlowStart } from "../health/slow-start.ts";
import { ServerState } from "../shared/memory/layout/shared-memory.ts";

/** The settings of the product that matter here. */
export interface ControlOptions {
  /** Probes take servers that refuse connections out. */
  readonly probes: boolean;
  readonly probeIntervalMs: number;
  readonly thresholds: HealthThresholds;
  readonly outlier: OutlierOptions;
  readonly slowStartMs: number;
  readonly panicThresholdPercent: number;
  /** The part of the fleet that the instance uses; left out = all of it. */
  readonly subset?: SimulatedSubset;
}

/** Which servers an instance uses, as subset.ts has it. */
export interface SimulatedSubset {
  readonly order: readonly number[];
  readonly place: RingPlace;
  readonly size: SubsetSize;
}

/** What the product does when nothing is configured. */
export function defaultControlOptions(): ControlOptions {
  const health = defaults<"intervalMs" | "fall" | "rise">(SECTIONS.health);
  const balancing = defaults<"slowStartMs" | "panicThresholdPercent">(SECTIONS.balancing);
  return {
    probes: true,
    probeIntervalMs: health.intervalMs,
    thresholds: { rise: health.rise, fall: health.fall },
    outlier: defaults<keyof OutlierOptions>(SECTIONS.outlier) as unknown as OutlierOptions,
    slowStartMs: balancing.slowStartMs,
    panicThresholdPercent: balancing.panicThresholdPercent,
  };
}

function defaults<Key extends string>({ settings }: Section): Record<Key, number> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, { type, default: text }]) => [
      key,
      text === null ? null : type.schema.parse(text),
    ]),
  ) as Record<Key, number>;
}

/** Failures in a row, by server. */
interface Rows {
  readonly consecutiveFailures: Int32Array;
  readonly consecutiveUnanswered: Int32Array;
}

class Member implements JudgedServer, CheckedServer {
  readonly health: HealthState;
  readonly slowStart = new SlowStart();
  readonly outlier: OutlierEjection;
  readonly windows: OutcomeWindows;
  readonly schedule: ProbeSchedule;
  readonly #server: number;
  readonly #rows: Rows;

  constructor(server: number, thresholds: HealthThresholds, random: () => number, windows: OutcomeWindows, rows: Rows) {
    this.#server = server;
    this.#rows = rows;
    this.health = new HealthState(thresholds);
    this.outlier = new OutlierEjection(random);
    this.schedule = new ProbeSchedule(random);
    this.windows = windows;
  }

  get state(): ServerState {
    return judgedState(this);
  }

  get consecutiveFailures(): number {
    return this.#rows.consecutiveFailures[this.#server];
  }

  forgetFailures(): void {
    this.#rows.consecutiveFailures[this.#server] = 0;
    this.#rows.consecutiveUnanswered[this.#server] = 0;
    this.windows.restart();
  }
}

export class ControlPlane {
  /** Raised when the candidates or a weight changed. */
  version = 0;
  ejections = 0;
  readonly effectiveWeight: Float64Array;
  readonly #weight: Float64Array;
  readonly #options: ControlOptions;
  readonly #members: readonly Member[];
  readonly #panic = new PanicMode();
  #tickMs = 0;
  readonly #state: Int32Array;
  /** 1 = the instance uses it. */
  readonly #used: Uint8Array;
  /** 1 = it does not belong to the fleet now. */
  readonly #absent: Uint8Array;
  readonly #columns;
  readonly #workers;
  /** What those who place requests see themselves. */
  readonly #failing: FailingServers;

  constructor(weight: Float64Array, options: ControlOptions, random: () => number) {
    const n = weight.length;
    this.#weight = weight;
    this.effectiveWeight = weight.slice();
    this.#options = options;
    this.#state = new Int32Array(n).fill(ServerState.UP);
    this.#absent = new Uint8Array(n);
    this.#used = new Uint8Array(n).fill(1);
    this.#columns = {
      responses: new Float64Array(n),
      failures: new Float64Array(n),
      unanswered: new Float64Array(n),
      latencySumMs: new Float64Array(n),
    };
    this.#workers = [this.#columns];
    const rows = {
      state: this.#state,
      consecutiveFailures: new Int32Array(n),
      consecutiveUnanswered: new Int32Array(n),
      consecutiveBroken: new Int32Array(n), // simulated responses do not break off
    };
    const { enabled, consecutiveFailures } = options.outlier;
    this.#failing = new FailingServers(rows, {
      ...options.outlier,
      consecutiveFailures: enabled ? consecutiveFailures : 0,
    });
    this.#members = Array.from(weight, (_, server) => {
      const member = new Member(server, options.thresholds, random, new OutcomeWindows(server, this.#workers, 0), rows);
      member.schedule.begun(-random() * options.probeIntervalMs);
      return member;
    });
    this.#choose();
    this.#tellFailing();
  }

  /** Collects the servers that may take requests, in `into`; returns how many they are. */
  eligible(into: Int32Array): number {
    let n = 0;
    for (let server = 0; server < this.#state.length; server++) {
      if (this.#absent[server] === 0 && this.#used[server] === 1 && isEligible(this.#state[server], this.#panic.on))
        into[n++] = server;
    }
    return n;
  }

  /**
   * Of `candidates[0 … count)`, those that a worker would not pass over now; or the one that it would try again.
   * @returns how many are in `into`; 0 = all may have the request.
   */
  answering(candidates: Int32Array, count: number, into: Int32Array, nowMs: number): number {
    const failing = this.#failing;
    if (!failing.suspected) return 0;
    const trial = failing.look(candidates, count, nowMs, true);
    if (trial >= 0) {
      failing.onTrial(trial, nowMs);
      into[0] = trial;
      return 1;
    }
    let n = 0;
    for (let i = 0; i < count; i++) if (!failing.isPassedOver(candidates[i])) into[n++] = candidates[i];
    return n;
  }

  /** A server leaves the fleet, or comes to it. */
  setAbsent(server: number, absent: boolean, nowMs: number): void {
    this.#absent[server] = absent ? 1 : 0;
    if (!absent) this.forgive(server, nowMs);
    this.version++;
  }

  /** Whatever was held against a server is forgotten: it was away and comes back, with a slow start. */
  forgive(server: number, nowMs: number): void {
    const member = this.#members[server];
    member.outlier.release(nowMs);
    member.forgetFailures();
    member.slowStart.begin(nowMs);
  }

  /** @param answered false = the attempt failed without a response. */
  onOutcome(server: number, latencyMs: number, failed: boolean, answered: boolean): void {
    const columns = this.#columns;
    if (answered) {
      columns.responses[server]++;
      columns.latencySumMs[server] += latencyMs;
    } else columns.unanswered[server]++;
    if (failed) {
      columns.failures[server]++;
      this.#failing.onFailure(server, answered);
    } else this.#failing.onSuccess(server);
  }

  /** A moment of the control loop, one every `CONTROL_LOOK_MS`, which may be the time for a turn. @param isDown whether a probe of that server would be refused now. */
  look(nowMs: number, isDown: (server: number) => boolean): void {
    const { outlier } = this.#options;
    if (nowMs < this.#tickMs && !this.#members.some((member) => isAlarming(member, outlier))) return;
    if (nowMs >= this.#tickMs) this.#tickMs = nowMs + CONTROL_TICK_MS;
    this.#tick(nowMs, isDown);
  }

  #tick(nowMs: number, isDown: (server: number) => boolean): void {
    const { outlier, probes } = this.#options;
    for (const member of this.#members) member.windows.advance(this.#workers, nowMs);
    judgeFleet(this.#members, outlier, nowMs, {
      onEjected: (member) => {
        this.ejections++;
        member.schedule.alarm();
      },
      onReturned: (member) => onReturned(member, nowMs),
    });
    if (probes) for (const [server, member] of this.#members.entries()) this.#probe(member, isDown(server), nowMs);
    paceRamps(this.#members, this.#options.slowStartMs, nowMs);
    this.#publish(nowMs);
  }

  #probe(member: Member, refused: boolean, nowMs: number): void {
    const { schedule } = member;
    if (!schedule.isDue(nowMs, this.#options.probeIntervalMs, isUrgent(member))) return;
    schedule.begun(nowMs);
    onCheck(member, !refused, nowMs);
  }

  #publish(nowMs: number): void {
    const { panicThresholdPercent, slowStartMs } = this.#options;
    const members = this.#members;
    let up = 0;
    for (const member of members) if (member.state === ServerState.UP) up++;
    const wasPanic = this.#panic.on;
    let changed = this.#panic.update(up, members.length, panicThresholdPercent, nowMs) !== wasPanic;
    for (const [server, member] of members.entries()) {
      const { state } = member;
      const effective = this.#weight[server] * member.slowStart.step(nowMs, slowStartMs);
      if (state === this.#state[server] && effective === this.effectiveWeight[server]) continue;
      this.#state[server] = state;
      this.effectiveWeight[server] = effective;
      changed = true;
    }
    if (!changed) return;
    this.version++;
    this.#choose();
    this.#tellFailing();
  }

  /** What is not used is not known to be down. */
  #choose(): void {
    const { subset } = this.#options;
    if (subset === undefined) return;
    const isUsable = (server: number): boolean =>
      this.#absent[server] === 0 && (this.#used[server] === 0 || this.#state[server] === ServerState.UP);
    const chosen = subsetOf(subset.order, subset.place, subset.size, isUsable);
    this.#used.fill(0);
    for (const server of chosen) this.#used[server] = 1;
  }

  #tellFailing(): void {
    const ejected = this.#state.reduce((sum, state) => sum + (state === ServerState.EJECTED ? 1 : 0), 0);
    this.#failing.onTable({ present: this.#state.length, ejected, panic: this.#panic.on });
  }
}
