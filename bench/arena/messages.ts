/** What the arena's processes say to each other. Times of a start are the wall clock's, milliseconds: it is common to all. */
import type { RunSpec } from "./plan.ts";

/** Where somebody listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export type ToServers =
  /** Listen with so many copies of the fleet; nothing goes wrong yet. */
  | { readonly type: "listen"; readonly spec: RunSpec; readonly fleets: number }
  | { readonly type: "begin"; readonly startsAtMs: number }
  /** The run is over: say what came of it and stop listening. */
  | { readonly type: "end" };

export type FromServers =
  | { readonly type: "ready" }
  /** By fleet and server. */
  | { readonly type: "listening"; readonly addresses: readonly (readonly Address[])[] }
  | { readonly type: "begun" }
  | { readonly type: "ended"; readonly fleets: readonly FleetRecord[]; readonly lateP99Ms: number };

/** The servers' own record of one run. */
export interface FleetRecord {
  /** Requests that came to each server, second attempts included. */
  readonly received: readonly number[];
  readonly served: readonly number[];
  readonly failed: readonly number[];
  readonly hung: readonly number[];
  /** Different requests that were served and whose responses were written to a connection that was still there. */
  readonly answered: number;
}

/** How clients choose among several addresses: who has the fewest of their requests in flight, or anybody. */
export type Choice = "least" | "any";

/** Each contestant has one address, or several among which its clients choose. */
export interface ToClients {
  readonly spec: RunSpec;
  readonly contestants: readonly (readonly Address[])[];
  readonly choice: Choice;
  readonly startsAtMs: number;
  readonly warmUpMs: number;
  readonly timeoutMs: number;
}

export type FromClients =
  | { readonly type: "ready" }
  /** @see ClientFigures, by contestant; and how late requests were sent, 99 of 100. */
  | { readonly type: "done"; readonly figures: readonly ClientFigures[]; readonly lateP99Ms: number }
  | { readonly type: "failed"; readonly message: string };

/** What the clients of one contestant saw. Times in milliseconds, from when a request was due. */
export interface ClientFigures {
  /** Measured requests: those that were due after the warm-up. */
  readonly requests: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Measured requests that failed, by kind. */
  readonly failures: Readonly<Record<FailureKind, number>>;
  /** All requests, those of the warm-up too. */
  readonly sent: number;
  /** Of those, the ones that were answered as they should. */
  readonly succeeded: number;
}

/** Ways to fail: a response of 500 or above, a connection that was cut or refused, no response in time, another answer. */
export const FAILURE_KINDS = ["status", "cut", "timeout", "wrong"] as const;
export type FailureKind = (typeof FAILURE_KINDS)[number];
