/**
 * The inputs that a model may ask for, by name. A model's `inference_features.json` lists those that it takes, in order,
 * and the learner fills them in. How each is computed: fleet-features.ts.
 */

/** The six of the contract, in its units: what a model made elsewhere can rely on. They begin every list. */
export const CONTRACT_FEATURES = [
  /** Percent. */
  "cpu_usage",
  /** Percent. */
  "memory_usage",
  /** Requests in flight at the server, without the one to be placed. */
  "active_conns",
  /** Share of failed attempts of late, 0 … 1. */
  "error_rate",
  /** Milliseconds. */
  "response_p95",
  /** As configured. */
  "capacity",
] as const;

/**
 * Those of our own models. All are free of scale: latencies are relative to the fleet's mean latency M, loads to the
 * fleet's mean load, so that one model serves fleets of 2 ms and of 2 s. Logarithms are natural.
 */
export const OWN_FEATURES = [
  /** log(d(k) / M): what the estimator expects of this server at this load (fleet-regression.ts), without failures. */
  "log_expected",
  /** log(latency expected with k in flight / M), from the server's speed and size (server-curves.ts). */
  "log_curve",
  /** By how much that is above its value at k = 0. */
  "log_curve_rise",
  /** log(k + 1). */
  "log_load",
  /** log((k + 1) / (fleet's mean k + 1)). */
  "log_relative_load",
  /** log of the server's factor f. */
  "log_factor",
  /**
   * log(mean of latency / growth with load over the last 0.5 s / the fleet's): the server's slowness whatever its load,
   * drawn to 0 where there are few responses; likewise below.
   */
  "log_unloaded_500ms",
  "log_unloaded_2s",
  "log_unloaded_10s",
  /** log((mean in-flight at dispatch + 1) / (the fleet's + 1)). */
  "log_dispatch_load",
  /** log(1 + time since the last response / M). */
  "log_silence",
  /** log(requests per second of this server / the fleet's mean per server). */
  "log_request_share",
  /** Expected price of the server's failures as a share of d. */
  "failure_share",
  /** log(1 + responses that count), with forgetting. */
  "log_answers",
  /** Coefficient of variation of the server's latency, less the fleet's. */
  "relative_variation",
  /** log(fleet's mean k + 1). */
  "log_fleet_load",
] as const;

/** Every feature that the learner can compute. */
export const FEATURE_NAMES = [...CONTRACT_FEATURES, ...OWN_FEATURES] as const;

/** A name of the list. */
export type FeatureName = (typeof FEATURE_NAMES)[number];

/** Features that change with the number in flight at the server; all others are the same whatever it is. */
export const LOAD_FEATURES: readonly FeatureName[] = [
  "active_conns",
  "log_expected",
  "log_curve",
  "log_curve_rise",
  "log_load",
  "log_relative_load",
];
