/** A recording understood: what each server is like, what went wrong with it when, and how much work requests are. */
import { seededRandom } from "../../balancing/random.ts";
import type { Concurrency, FittedFleet, FittedServer, SpeedPhase } from "../fleet.ts";
import type { Recording } from "../recording.ts";
import { fitAbsences } from "./absences.ts";
import { fitConcurrencies } from "./concurrency.ts";
import { fitFailures } from "./failures.ts";
import { fitSampledConcurrencies } from "./sampled-concurrency.ts";
import { type ServerLog, serverLogs } from "./server-log.ts";
import { type ServiceSteps, StepKind, serviceSteps } from "./service.ts";
import { type ChangeRates, findSpeeds, type SpeedModel, type SpeedPath } from "./speed-path.ts";
import { completeTraffic } from "./traffic.ts";
import { WorkDistribution } from "./work-distribution.ts";

/** Relative to the usual: half-octaves, from twice as fast to eleven times as slow. */
const LEVELS = Array.from({ length: 10 }, (_, i) => 2 ** (1 - i / 2));
const USUAL = 2;
/** The speed of a level is moved to what is seen at it, but for the usual one's; within these bounds it remains that level. */
const LEVEL_ROOM = 1.18;
/** Before anything is known: something every twenty seconds, for some seconds; standstill for a fifth of a second. */
const FIRST_RATES: ChangeRates = { slowing: 1 / 20_000, recovering: 1 / 3000, pausing: 1 / 20_000, resuming: 1 / 200 };
/** Rates are believed as if there had been so much before that confirms the first ones, milliseconds and changes. */
const PRIOR_CHANGES = 1;
const TURNS = 4;
/** Of many requests even the first turns know much. */
const TURNS_OF_MANY = 3;
const MANY_REQUESTS = 200_000;
/** A class of its own needs so many requests; the others have the distribution of all together. */
const OWN_CLASS = 200;
/** A server has a speed of its own with so many requests, and else the fleet's. */
const OWN_SPEED = 10;

/** One server while it is being fitted. */
interface Candidate {
  readonly log: ServerLog;
  readonly concurrency: Concurrency;
  readonly steps: ServiceSteps;
  /** Usual speed. */
  speed: number;
  path: SpeedPath | null;
}

/** Fits the whole recording. @param seed for what has to be drawn where single requests are a sample. */
export function fitFleet(recording: Recording, seed: number): FittedFleet {
  const sampled = recording.arrivals !== null;
  const logs = serverLogs(recording);
  const capacities = recording.servers.map(({ capacity }) => capacity);
  const concurrencies = sampled ? fitSampledConcurrencies(logs) : fitConcurrencies(logs, capacities);
  const tickMs = Math.max(0.25, medianLatency(logs) / 4);
  const candidates = logs.map((log, i): Candidate => {
    const concurrency = concurrencies[i];
    return { log, concurrency, steps: serviceSteps(log, concurrency, sampled, tickMs), speed: 1, path: null };
  });
  const meanWeight = sampled ? averageWeight(logs) : 1;
  firstSpeeds(candidates, recording.classes.length);
  const levels = [...LEVELS];
  let rates = FIRST_RATES;
  const turns = recording.requests.atMs.length > MANY_REQUESTS ? TURNS_OF_MANY : TURNS;
  for (let turn = 0; turn < turns; turn++) {
    const distributions = distributionsOf(candidates, recording.classes.length);
    for (const candidate of candidates) {
      const { log, steps } = candidate;
      const model: SpeedModel = { speeds: levels.map((level) => level * candidate.speed), usual: USUAL, rates };
      candidate.path = findSpeeds(
        steps,
        log.request.length,
        model,
        (request) => distributions[log.class[request]],
        (request) => log.weight[request] / meanWeight,
      );
    }
    settleLevels(candidates, levels, gainOf(candidates, distributions));
    rates = ratesOf(candidates);
  }
  const work = new Float64Array(recording.requests.atMs.length).fill(Number.NaN);
  for (const { log, path } of candidates) {
    for (const [i, request] of log.request.entries()) work[request] = path!.work[i];
  }
  const { traffic, works } = completeTraffic(recording, work, seededRandom(seed).next);
  return {
    durationMs: recording.durationMs,
    servers: candidates.map((candidate, i) => describe(recording, i, candidate, levels)),
    traffic,
    works,
  };
}

function describe(recording: Recording, server: number, candidate: Candidate, levels: readonly number[]): FittedServer {
  const { name, weight } = recording.servers[server];
  const { concurrency, log, speed } = candidate;
  return {
    name,
    weight,
    ...concurrency,
    speed,
    speeds: phasesOf(candidate, levels),
    failures: fitFailures(log),
    absences: fitAbsences(recording, server, log),
  };
}

function phasesOf({ steps, path, speed }: Candidate, levels: readonly number[]): SpeedPhase[] {
  const phases: SpeedPhase[] = [{ fromMs: 0, speed }];
  for (let step = 0; step < steps.count; step++) {
    const level = path!.level[step];
    const now = level >= levels.length ? 0 : levels[level] * speed;
    if (phases.at(-1)!.speed === now) continue;
    phases.push({ fromMs: steps.atMs[step], speed: now });
  }
  return phases;
}

/** Servers are as fast as their usual requests say, whatever happens now and then: by medians within each class. */
function firstSpeeds(candidates: readonly Candidate[], classes: number): void {
  const service = candidates.map(({ log, steps }) => serviceTimes(log, steps));
  const of = (times: Float64Array, log: ServerLog, kind: number): number[] =>
    Array.from(
      times.filter((time, i) => time > 0 && log.class[i] === kind),
      Math.log,
    );
  const middle = Array.from({ length: classes }, (_, kind) =>
    median(candidates.flatMap(({ log }, i) => of(service[i], log, kind))),
  );
  for (const [i, candidate] of candidates.entries()) {
    let sum = 0;
    let count = 0;
    for (let kind = 0; kind < classes; kind++) {
      const own = of(service[i], candidate.log, kind);
      if (own.length < OWN_SPEED) continue;
      sum += own.length * (median(own) - middle[kind]);
      count += own.length;
    }
    candidate.speed = count > 0 ? Math.exp(-sum / count) : 1;
  }
}

/** From the beginning of service to its end; NaN = not known. */
function serviceTimes({ request }: ServerLog, { count, kind, atMs, request: of }: ServiceSteps): Float64Array {
  const begun = new Float64Array(request.length).fill(Number.NaN);
  const times = new Float64Array(request.length).fill(Number.NaN);
  for (let step = 0; step < count; step++) {
    if (kind[step] === StepKind.BEGIN) begun[of[step]] = atMs[step];
    else if (kind[step] === StepKind.DONE) times[of[step]] = Math.max(1e-3, atMs[step] - begun[of[step]]);
  }
  return times;
}

/** By class: works as they are known by now. */
function distributionsOf(candidates: readonly Candidate[], classes: number): WorkDistribution[] {
  const logs: number[][] = Array.from({ length: classes }, () => []);
  const weights: number[][] = Array.from({ length: classes }, () => []);
  for (const { log, steps, speed, path } of candidates) {
    const works = path?.work ?? serviceTimes(log, steps).map((time) => time * speed);
    for (const [i, work] of works.entries()) {
      if (!(work > 0)) continue;
      logs[log.class[i]].push(Math.log(work));
      weights[log.class[i]].push(log.weight[i]);
    }
  }
  const all = logs.flat();
  const together = all.length > 0 ? new WorkDistribution(all, weights.flat()) : new WorkDistribution([0], [1]);
  return logs.map((own, kind) => (own.length < OWN_CLASS ? together : new WorkDistribution(own, weights[kind])));
}

/**
 * A speed is right when as many requests are done as should be by it (a martingale: no bias by requests that are cut
 * short). Usual speeds are each server's, the distance of the other levels from them is the fleet's.
 */
function settleLevels(candidates: readonly Candidate[], levels: number[], gain: number): void {
  let drift = 0;
  let all = 0;
  for (const candidate of candidates) {
    const { done, expected } = candidate.path!;
    if (done[USUAL] < OWN_SPEED) continue;
    const change = Math.min(1.5, Math.max(1 / 1.5, (done[USUAL] / Math.max(1, expected[USUAL])) ** gain));
    candidate.speed *= change;
    drift += done[USUAL] * Math.log(change);
    all += done[USUAL];
  }
  // Works are in the unit that the speeds are in: together they must not wander.
  if (all > 0) for (const candidate of candidates) candidate.speed *= Math.exp(-drift / all);
  for (const [level, first] of LEVELS.entries()) {
    if (level === USUAL) continue;
    const done = candidates.reduce((sum, { path }) => sum + path!.done[level], 0);
    const expected = candidates.reduce((sum, { path }) => sum + path!.expected[level], 0);
    if (done < OWN_SPEED || expected <= 0) continue;
    const moved = levels[level] * (done / expected) ** gain;
    levels[level] = Math.min(first * LEVEL_ROOM, Math.max(first / LEVEL_ROOM, moved));
  }
}

/**
 * By which power speeds follow what was done: of works that are nearly the same, a little more speed makes many more done. A
 * Weibull distribution of shape k has k times as many, and its logarithm deviates by pi / sqrt(6) / k.
 */
function gainOf(candidates: readonly Candidate[], distributions: readonly WorkDistribution[]): number {
  let sum = 0;
  let count = 0;
  for (const { log } of candidates) {
    for (const kind of log.class) sum += distributions[kind].deviationLog;
    count += log.class.length;
  }
  return count > 0 ? Math.min(1, (sum / count / Math.PI) * Math.sqrt(6)) : 1;
}

/** How often the paths change, and a little of what was thought before. */
function ratesOf(candidates: readonly Candidate[]): ChangeRates {
  const ms = { usual: 0, slow: 0, paused: 0 };
  const changes = { slowing: 0, recovering: 0, pausing: 0, resuming: 0 };
  for (const { steps, path } of candidates) {
    for (let step = 0; step + 1 < steps.count; step++) {
      const now = path!.level[step];
      const then = path!.level[step + 1];
      const length = steps.atMs[step + 1] - steps.atMs[step];
      if (now >= LEVELS.length) ms.paused += length;
      else if (now === USUAL) ms.usual += length;
      else ms.slow += length;
      if (now === then) continue;
      if (then >= LEVELS.length) changes.pausing++;
      else if (now >= LEVELS.length) changes.resuming++;
      else if (then === USUAL) changes.recovering++;
      else changes.slowing++;
    }
  }
  const rate = (count: number, time: number, first: number): number =>
    (count + PRIOR_CHANGES) / (time + PRIOR_CHANGES / first);
  return {
    slowing: rate(changes.slowing, ms.usual + ms.slow, FIRST_RATES.slowing),
    recovering: rate(changes.recovering, ms.slow, FIRST_RATES.recovering),
    pausing: rate(changes.pausing, ms.usual + ms.slow, FIRST_RATES.pausing),
    resuming: rate(changes.resuming, ms.paused, FIRST_RATES.resuming),
  };
}

function averageWeight(logs: readonly ServerLog[]): number {
  let sum = 0;
  let count = 0;
  for (const { weight } of logs) {
    for (const one of weight) sum += one;
    count += weight.length;
  }
  return count > 0 ? sum / count : 1;
}

function medianLatency(logs: readonly ServerLog[]): number {
  return median(logs.flatMap(({ doneMs, sentMs }) => Array.from(doneMs, (done, i) => done - sentMs[i]))) || 1;
}

function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return Float64Array.from(values).sort()[values.length >> 1];
}
