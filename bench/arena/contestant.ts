/** Who takes part: how a contestant is configured and started. */
import type { Start } from "../common/programs.ts";
import type { Address } from "./messages.ts";

/** Everything that a contestant is told. All get the same, but each has servers of its own. */
export interface ContestantSetup {
  /** Its own directory, empty; on a file system in memory. */
  readonly directory: string;
  readonly port: number;
  readonly servers: readonly Address[];
  /** What `servers` really work on at a time: for references, which know what nobody is told. */
  readonly workers: readonly number[];
  /** What whoever plans the fleet believes that each of them works on at a time. */
  readonly plannedWorkers: number;
  /** An attempt without a response for this long has failed. */
  readonly tryTimeoutMs: number;
  /** The p95 of the contestant that this one hedges, as measured beforehand; null for those that do not hedge. */
  readonly p95Ms: number | null;
}

/** `ours` is measured, `peer` is what it is measured against, `reference` only shows what the arena itself adds. */
export type Side = "ours" | "peer" | "reference";

export interface Contestant {
  /** As on the command line and in tables. */
  readonly name: string;
  readonly side: Side;
  /** One line: what is special about it. */
  readonly description: string;
  /** The program and its version; null = it is not on this machine. */
  version(): string | null;
  /** Writes its configuration into `setup.directory`. Null = no program: the clients choose among the servers. */
  readonly prepare: ((setup: ContestantSetup) => Start) | null;
  /** The contestant that must have run before, because its p95 is when this one hedges; null = it does not hedge. */
  readonly hedges: string | null;
}
