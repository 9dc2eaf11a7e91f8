/**
 * How many requests a server works on at a time, from a sample: who overtook whom is not to be seen, but how many a request
 * found there is. With w workers one that finds fewer than w is served at once, and one that finds k waits until k + 1 - w of
 * them are done; which w makes the latencies likeliest?
 */
import type { Concurrency } from "../fleet.ts";
import type { ServerLog } from "./server-log.ts";
import { WorkDistribution } from "./work-distribution.ts";

/** Requests that are looked at, of each server. */
const MOST_REQUESTS = 2000;
/** Workers that are told apart. */
const MOST_WORKERS = 256;
/** Requests that were served at once without which service is not known. */
const ENOUGH = 50;
/** Points of the service times' distribution. */
const POINTS = 48;
/** A server is taken to be like the others unless this much, in log-likelihood, speaks against it. */
const OF_ITS_OWN = 6;
/** A density is never 0: the wait is a rough model. */
const LEAST_DENSITY = 1e-7;

/** The concurrency of every server of a fleet; `Infinity` workers where no queue was to be seen. */
export function fitSampledConcurrencies(logs: readonly ServerLog[]): Concurrency[] {
  const seen = logs.map(seenOf);
  const most = Math.min(MOST_WORKERS, Math.max(0, ...seen.flat().map(({ found }) => found)));
  // At `most + 1` nobody ever waited.
  const candidates = Array.from({ length: most + 1 }, (_, i) => i + 1);
  const likelihoods = seen.map((requests) => candidates.map((workers) => logLikelihood(requests, workers)));
  const together = candidates.map((_, i) => likelihoods.reduce((sum, own) => sum + own[i], 0));
  const usual = indexOfMost(together);
  return likelihoods.map((own): Concurrency => {
    const best = indexOfMost(own);
    const chosen = own[best] - own[usual] > OF_ITS_OWN ? best : usual;
    return { workers: chosen === most ? Number.POSITIVE_INFINITY : candidates[chosen], discipline: "fifo" };
  });
}

interface Seen {
  readonly latencyMs: number;
  /** Requests that it found there. */
  readonly found: number;
  readonly weight: number;
}

function seenOf(log: ServerLog): Seen[] {
  const known = Array.from(log.request.keys()).filter((i) => log.failed[i] === 0 && log.inFlight[i] >= 0);
  const every = Math.max(1, Math.ceil(known.length / MOST_REQUESTS));
  const chosen = known.filter((_, at) => at % every === 0);
  const total = chosen.reduce((sum, i) => sum + log.weight[i], 0);
  return chosen.map((i) => ({
    latencyMs: Math.max(1e-3, log.doneMs[i] - log.sentMs[i]),
    found: log.inFlight[i],
    weight: (log.weight[i] * chosen.length) / total,
  }));
}

function logLikelihood(requests: readonly Seen[], workers: number): number {
  const atOnce = requests.filter(({ found }) => found < workers);
  if (atOnce.length < ENOUGH) return requests.length * Math.log(LEAST_DENSITY);
  const logs = atOnce.map(({ latencyMs }) => Math.log(latencyMs));
  const service = new WorkDistribution(
    logs,
    atOnce.map(({ weight }) => weight),
  );
  const points = quantilesOf(atOnce.map(({ latencyMs }) => latencyMs));
  const meanMs = points.reduce((a, b) => a + b, 0) / POINTS;
  let sum = 0;
  for (const { latencyMs, found, weight } of requests) {
    const density =
      found < workers
        ? Math.exp(service.logHazard(latencyMs) - service.cumulativeHazard(latencyMs))
        : waitingDensity(latencyMs, found + 1 - workers, workers / meanMs, points);
    sum += weight * Math.log(Math.max(LEAST_DENSITY, density));
  }
  return sum;
}

/** Of a wait for `completions` at a rate, and service after it. */
function waitingDensity(latencyMs: number, completions: number, rate: number, points: readonly number[]): number {
  let logFactorial = 0;
  for (let i = 2; i < completions; i++) logFactorial += Math.log(i);
  let sum = 0;
  for (const service of points) {
    const wait = latencyMs - service;
    if (wait <= 0) break;
    const x = rate * wait;
    sum += rate * Math.exp((completions - 1) * Math.log(x) - x - logFactorial);
  }
  return sum / points.length;
}

function quantilesOf(values: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return Array.from({ length: POINTS }, (_, i) => sorted[Math.floor(((i + 0.5) / POINTS) * sorted.length)]);
}

function indexOfMost(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
