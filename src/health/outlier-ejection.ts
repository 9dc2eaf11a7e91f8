/**
 * Outlier ejection: judges a server by the responses it gives to real requests. It catches what probes do not see, such as
 * a server whose health page works and whose application does not. Pure; the caller reads the counters and the clock.
 */

import type { EjectionCause } from "../shared/health-causes.ts";

/** How servers are judged by their responses. */
export interface OutlierOptions {
  readonly enabled: boolean;
  /** Failures in a row that eject a server; 0 = not judged by that. */
  readonly consecutiveFailures: number;
  /** Failures within the window that eject it, percent of responses; 0 = not judged by that. */
  readonly failurePercent: number;
  /** Responses within the window below which shares and means say nothing. */
  readonly minimumVolume: number;
  /** Ejects a server whose mean response time is more than this many times the fleet's median; 0 = off. */
  readonly latencyFactor: number;
  /** First ejection; each further one lasts twice as long as the one before, up to `maxEjectionMs`. */
  readonly baseEjectionMs: number;
  readonly maxEjectionMs: number;
  /** Most of the fleet that may be ejected at once, percent; 0 = none. Otherwise of two or more servers one may be. */
  readonly maxEjectedPercent: number;
}

/** Why a server should be ejected. */
export interface EjectionVerdict {
  readonly cause: EjectionCause;
  /** As words for an operator. */
  readonly reason: string;
}

/** What the judge needs to know about one server at one moment. */
export interface OutlierObservation {
  /** Failures since the last success. */
  readonly consecutiveFailures: number;
  /** Responses and failed attempts in the window. */
  readonly attempts: number;
  readonly failures: number;
  /** Mean response time in the window, milliseconds; NaN = unknown. */
  readonly meanLatencyMs: number;
  /** Median of the servers' mean response times, milliseconds; NaN = too few servers to tell. */
  readonly fleetMedianLatencyMs: number;
  /** Responses and failures since the ejection ended; they alone decide during probation. */
  readonly probationAttempts: number;
  readonly probationFailures: number;
}

/** Responses after which a server on probation is judged like any other. */
const PROBATION_RESPONSES = 10;
/** Ejections end up to this share later, at random, so that many balancers do not return at the same moment. */
const EJECTION_JITTER = 0.1;

/** One server's record. */
export class OutlierEjection {
  readonly #random: () => number;
  #ejectedUntilMs: number | undefined;
  /** Ejections that are not forgiven yet. */
  #strikes = 0;
  #goodSinceMs = 0;
  #probation = false;

  /** @param random uniform in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  get ejected(): boolean {
    return this.#ejectedUntilMs !== undefined;
  }

  /** True after an ejection ended until enough responses were good: one bad majority ejects again at once. */
  get onProbation(): boolean {
    return this.#probation;
  }

  /** No ejection of it is remembered: time changes nothing. */
  get settled(): boolean {
    return this.#ejectedUntilMs === undefined && !this.#probation && this.#strikes === 0;
  }

  /** Ejections that count towards the length of the next. */
  get strikes(): number {
    return this.#strikes;
  }

  /** Why the server should be ejected; `undefined` = it should not. */
  verdict(seen: OutlierObservation, options: OutlierOptions): EjectionVerdict | undefined {
    if (!options.enabled || this.ejected) return undefined;
    if (this.#probation) {
      if (seen.probationFailures > 0 && seen.probationFailures * 2 >= seen.probationAttempts) {
        const reason = `failed again on its return: ${seen.probationFailures} of ${seen.probationAttempts} answers`;
        return { cause: "probation", reason };
      }
      return undefined;
    }
    if (options.consecutiveFailures > 0 && seen.consecutiveFailures >= options.consecutiveFailures) {
      return { cause: "consecutive_failures", reason: `${seen.consecutiveFailures} failures in a row` };
    }
    if (seen.attempts < options.minimumVolume) return undefined;
    if (options.failurePercent > 0 && seen.failures * 100 >= options.failurePercent * seen.attempts) {
      return { cause: "failure_share", reason: `${seen.failures} of ${seen.attempts} answers failed` };
    }
    // Comparisons with NaN are false: an unknown latency is no outlier.
    if (options.latencyFactor > 0 && seen.meanLatencyMs > options.latencyFactor * seen.fleetMedianLatencyMs) {
      const reason = `mean response ${seen.meanLatencyMs.toFixed(0)} ms, fleet median ${seen.fleetMedianLatencyMs.toFixed(0)} ms`;
      return { cause: "latency", reason };
    }
    return undefined;
  }

  /** Ejects the server. Returns for how long, milliseconds. */
  eject(nowMs: number, options: OutlierOptions): number {
    const planned = Math.min(options.maxEjectionMs, options.baseEjectionMs * 2 ** Math.min(this.#strikes, 30));
    const durationMs = planned * (1 + EJECTION_JITTER * this.#random());
    this.#ejectedUntilMs = nowMs + durationMs;
    this.#strikes++;
    this.#probation = false;
    return durationMs;
  }

  /**
   * Moves time on: ends a served ejection (the server returns on probation), ends probation after enough responses, and
   * forgives one strike for each `baseEjectionMs` of good behaviour.
   * @returns true when an ejection ended now.
   */
  advance(nowMs: number, probationAttempts: number, options: OutlierOptions): boolean {
    if (this.#ejectedUntilMs !== undefined) {
      if (options.enabled && nowMs < this.#ejectedUntilMs) return false;
      this.#ejectedUntilMs = undefined;
      this.#probation = options.enabled;
      this.#goodSinceMs = nowMs;
      return true;
    }
    if (this.#probation) {
      if (probationAttempts >= PROBATION_RESPONSES) this.#probation = false;
      else if (probationAttempts === 0) this.#goodSinceMs = nowMs; // no responses prove nothing
    }
    while (this.#strikes > 0 && options.baseEjectionMs > 0 && nowMs - this.#goodSinceMs >= options.baseEjectionMs) {
      this.#goodSinceMs += options.baseEjectionMs;
      this.#strikes--;
    }
    return false;
  }

  /** The server was replaced or restarted (its probes went down and came back): what it did before is no evidence. */
  release(nowMs: number): void {
    this.#ejectedUntilMs = undefined;
    this.#probation = false;
    this.#goodSinceMs = nowMs;
  }
}
