/**
 * What the simulator expects of strategies on the traffic that a pool had of late: the body of `GET /api/v1/expectations`. Times are
 * from the dispatch to the response head, with the time in the balancer's queue before it; a failed request counts as a second
 * at least. Shares are 0 … 1.
 */

/** A figure, and where 95 % of other draws of the same traffic lie. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What one strategy would have given. */
export interface StrategyExpectation {
  readonly strategy: string;
  /** It is the one that balanced in the window: `measured` is what it really gave. */
  readonly ran: boolean;
  /** Times are `null` where the strategy would overload servers: how long queues grow then says nothing of it. */
  readonly mean_ms: Estimate | null;
  readonly p50_ms: Estimate | null;
  readonly p99_ms: Estimate | null;
  readonly error_share: Estimate;
  /** Servers that would get more than they can do: at most the first sixteen of them. */
  readonly overloaded: readonly string[];
}

/** What really happened in the window. */
export interface MeasuredTraffic {
  readonly mean_ms: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly error_share: number;
}

/** All of it. */
export interface Expectations {
  readonly pool: string;
  /**
   * Whether figures are given. `passed`: the model foretold the second half of the window from the first; `failed`: it did not;
   * `impossible`: too little to check it by; `nothing`: no traffic to replay.
   */
  readonly verdict: "passed" | "failed" | "impossible" | "nothing";
  /** Of all that was found, in a sentence or two. */
  readonly sentence: string;
  /** Why there are no figures, a sentence each; empty when there are. */
  readonly reasons: readonly string[];
  /** What limits the figures, a sentence each. */
  readonly notes: readonly string[];
  /** The traffic that was replayed; `null` = none was. */
  readonly window: { readonly since: string; readonly until: string } | null;
  /** What balanced in it; `null` = not known. */
  readonly ran: string | null;
  /** Requests in the window, and those that are known one by one. */
  readonly requests: number;
  readonly single_requests: number;
  readonly measured: MeasuredTraffic | null;
  /** In the order asked for, the strategy that ran first; empty unless the verdict is `passed`. */
  readonly expectations: readonly StrategyExpectation[];
  /** Strategies of which nothing can be said, and why. */
  readonly left_out: readonly { readonly strategy: string; readonly why: string }[];
}
