/** A fleet and its traffic as they were fitted to a recording: what the simulation of a replay runs on. */
import type { Discipline } from "../simulator/scenario.ts";

/** From `fromMs` on, until the next one. */
export interface SpeedPhase {
  readonly fromMs: number;
  /** Work per millisecond and worker; 0 = it stands still. */
  readonly speed: number;
}

/** From `fromMs` on, until the next one. */
export interface FailurePhase {
  readonly fromMs: number;
  /** Of the requests that are sent there, 0 … 1. */
  readonly share: number;
  /** How long failures took, as seen; empty where there were none. */
  readonly latenciesMs: readonly number[];
}

/** A time in which a server was not to be asked. */
export interface Absence {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How many requests a server works on at a time, and how the rest wait. */
export interface Concurrency {
  /** `Infinity` = no limit was to be seen. */
  readonly workers: number;
  readonly discipline: Discipline;
}

/** One server. Phases rise in time, and the first begins at 0. */
export interface FittedServer extends Concurrency {
  readonly name: string;
  /** As configured. */
  readonly weight: number;
  /** Its usual speed. */
  readonly speed: number;
  readonly speeds: readonly SpeedPhase[];
  readonly failures: readonly FailurePhase[];
  readonly absences: readonly Absence[];
}

/** The requests, as columns of one length, in the order of their arrival. */
export interface FittedTraffic {
  readonly atMs: Float64Array;
  /** Index into the recording's classes. */
  readonly class: Int16Array;
  /** Service time at speed 1, milliseconds. */
  readonly work: Float64Array;
  /**
   * From its arrival until it was sent to its server, milliseconds: in the balancer's queue, or at servers that failed it
   * before. It is taken to be the same whatever strategy balances.
   */
  readonly delayMs: Float32Array;
  /** Where it went; -1 = nowhere, or not known. */
  readonly server: Int16Array;
}

/** All of it. */
export interface FittedFleet {
  readonly durationMs: number;
  readonly servers: readonly FittedServer[];
  readonly traffic: FittedTraffic;
  /** By class: works that were seen, to draw from; a class without any has the fleet's. */
  readonly works: readonly Float64Array[];
}
