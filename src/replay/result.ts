/** What a replay says. Times in milliseconds; a failed request counts as at least a second, as in the simulator. */
import type { Network } from "../learning/models/network.ts";
import type { Discipline } from "../simulator/scenario.ts";

/** A figure with what lies around it: 95 % of what other draws of the same traffic and fit would have given. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What really happened, in the terms of the forecasts. */
export interface Recorded {
  /** Requests that the recording stands for. */
  readonly requests: number;
  readonly durationMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly meanMs: number;
  /** 0 … 1. */
  readonly errorShare: number;
  /** By server of the recording: its share of what was placed. */
  readonly shares: readonly number[];
}

/** What a strategy would have given. */
export interface Forecast {
  readonly strategy: string;
  /** It is the one that ran: `Recorded` stands beside it. */
  readonly ran: boolean;
  readonly p50Ms: Interval;
  readonly p99Ms: Interval;
  readonly p999Ms: Interval;
  readonly meanMs: Interval;
  readonly errorShare: Interval;
  /** By server of the recording, mean over the runs. */
  readonly shares: readonly number[];
  /**
   * Names of servers that would get more work than they can do: their queues would grow until somebody gives up, and how
   * long that takes says nothing about the strategy. Latencies are then a sign of that and no forecast.
   */
  readonly overloaded: readonly string[];
}

/** One figure of the self-check. */
export interface CheckedFigure {
  /** For people: `p99`, `share of a:8001`. */
  readonly name: string;
  /** `share` = 0 … 1. */
  readonly unit: "ms" | "share";
  readonly measured: number;
  readonly predicted: Interval;
  readonly holds: boolean;
}

/**
 * How well the model reproduces what really happened. It is fitted on the first half and says what the strategy that ran
 * makes of the second; and fitted on all, it is run over what it was fitted on.
 */
export interface SelfCheck {
  /** `impossible` = there is too little to check. Only `passed` comes with forecasts. */
  readonly verdict: "passed" | "failed" | "impossible";
  /** Why it did not pass, a sentence each; empty when it did. */
  readonly reasons: readonly string[];
  /** What was run: a strategy's name, or `null`: it is not known, so that each request went where it had gone. */
  readonly strategy: string | null;
  /** The second half, from the first. Empty when impossible. */
  readonly ahead: readonly CheckedFigure[];
  /** All of it, from itself. Empty when impossible. */
  readonly again: readonly CheckedFigure[];
}

/** A server as it was understood. */
export interface ServerDescription {
  readonly name: string;
  /** Requests that it works on at the same time; `null` = no limit was to be seen. */
  readonly workers: number | null;
  readonly discipline: Discipline;
  /** Typical speed, as a multiple of the fleet's mean. */
  readonly speed: number;
  /** Share of the time in which it stood still, and in which it was slower than usual by a quarter or more. */
  readonly pausedShare: number;
  readonly slowShare: number;
  /** Of the requests that it was sent. */
  readonly failedShare: number;
  /** Share of the time in which it was not to be asked. */
  readonly awayShare: number;
}

/** All of it. */
export interface ReplayResult {
  readonly recorded: Recorded;
  readonly selfCheck: SelfCheck;
  /** In the order asked for; empty unless the self-check passed. */
  readonly forecasts: readonly Forecast[];
  readonly servers: readonly ServerDescription[];
  /** What limits these figures, a sentence each: sampled requests, what was left out, what had to be assumed. */
  readonly notes: readonly string[];
}

/** What is asked. */
export interface ReplayOptions {
  /** Names of `STRATEGIES`. */
  readonly strategies: readonly string[];
  readonly seed: number;
  /** Runs of each strategy, at least 3: more make intervals steadier. Beyond 300,000 requests there are no more than 3. */
  readonly runs: number;
  /** The model that `ml` routes by; needed for it alone. */
  readonly network?: Network;
  /** Called after every run. */
  readonly onProgress?: (done: number, total: number) => void;
}
