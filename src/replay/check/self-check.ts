/**
 * Does the model reproduce what really happened? Fitted on the first half, it has to say what the strategy that ran made
 * of the requests of the second, of which it knows the arrivals alone; and fitted on all, it has to give again what it was
 * fitted on.
 */
import { seededRandom } from "../../balancing/random.ts";
import type { Policy } from "../../simulator/policy.ts";
import { overloadedServers } from "../describe.ts";
import { fitFleet } from "../fit/fit-fleet.ts";
import { part } from "../fit/part.ts";
import { completeTraffic } from "../fit/traffic.ts";
import type { FittedFleet, FittedTraffic } from "../fleet.ts";
import type { Recording } from "../recording.ts";
import type { CheckedFigure, Interval, Recorded, SelfCheck } from "../result.ts";
import {
  type Figures,
  figuresOfRun,
  firstFrom,
  intervalOf,
  recordedFigures,
  timesIntervalOf,
} from "../simulate/figures.ts";
import { runReplay } from "../simulate/run.ts";
import { rearranged, resampled } from "./rearrange.ts";

/** Latencies have to be met within this share, or within the interval. */
export const LATENCY_TOLERANCE = 0.15;
/** An interval that is wider (half of it, as a share of its value) says too little to be met. */
export const WIDEST = 0.4;
/** The share of errors may be off by so much, and by a quarter of itself. */
const ERROR_TOLERANCE = 0.005;
const ERROR_RATIO = 0.25;
/** So much of the traffic may be placed elsewhere than predicted. */
const PLACED_TOLERANCE = 0.15;
/** Requests in either half without which a 99th percentile says nothing. */
const ENOUGH = 1000;
/** What arrives first finds other servers than it did in truth, milliseconds, and at most a tenth. */
const WARM_UP_MS = 2000;
const MOST_WARM_UP = 0.1;

/** How a check is made. */
export interface CheckOptions {
  /** `null` = each request goes where it went. */
  readonly policy: Policy | null;
  readonly seed: number;
  /** Over all of it, and over the second half: how far chance goes has to be known better there. */
  readonly runs: number;
  readonly aheadRuns: number;
  readonly onRun: () => void;
}

/** How long the beginning of something is that is not measured. */
export function warmUpOf(durationMs: number): number {
  return Math.min(WARM_UP_MS, MOST_WARM_UP * durationMs);
}

/** @param fleet what was fitted to all of the recording. */
export function checkFleet(recording: Recording, fleet: FittedFleet, options: CheckOptions): SelfCheck {
  const strategy = options.policy?.name ?? null;
  const halfMs = 1000 * Math.round(recording.durationMs / 2000);
  const { atMs } = recording.requests;
  const first = firstFrom(atMs, halfMs);
  const fewest = Math.min(first, atMs.length - first);
  const impossible = (reason: string): SelfCheck => ({
    verdict: "impossible",
    reasons: [reason],
    strategy,
    ahead: [],
    again: [],
  });
  if (recording.servers.length < 2) return impossible("there is one server only: no strategy could place differently");
  if (fewest < ENOUGH) {
    return impossible(`too few single requests: ${fewest} in one half of the recording, at least ${ENOUGH} are needed`);
  }
  const { figures: again, overloaded } = checkAgain(recording, fleet, options);
  const ahead = checkAhead(recording, halfMs, options);
  const reasons = [
    ...reasonsOf(ahead, "fitted on the first half, the model does not meet the second"),
    ...reasonsOf(again, "the model does not give again what it was fitted on"),
  ];
  if (reasons.length > 0 && overloaded.length > 0) {
    const names = overloaded.join(", ");
    reasons.push(
      `more was sent to ${names} than that can do: then it matters how long clients wait, and that is not known`,
    );
  }
  return { verdict: reasons.length === 0 ? "passed" : "failed", reasons, strategy, ahead, again };
}

function reasonsOf(figures: readonly CheckedFigure[], what: string): string[] {
  const missed = figures.filter(({ holds }) => !holds);
  if (missed.length === 0) return [];
  const texts = missed.map(
    ({ name, unit, measured, predicted }) =>
      `${name} was ${inWords(measured, unit)}, predicted ${inWords(predicted.value, unit)} ` +
      `(${inWords(predicted.low, unit)} to ${inWords(predicted.high, unit)})`,
  );
  return [`${what}: ${texts.join("; ")}`];
}

function inWords(value: number, unit: CheckedFigure["unit"]): string {
  return unit === "ms"
    ? `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ms`
    : `${(100 * value).toFixed(2)} %`;
}

/** All of it from itself: works are those of the requests, draws differ in what the strategy makes of chance. */
function checkAgain(
  recording: Recording,
  fleet: FittedFleet,
  options: CheckOptions,
): { readonly figures: readonly CheckedFigure[]; readonly overloaded: readonly string[] } {
  const warmUpMs = warmUpOf(recording.durationMs);
  const measured = recordedFigures(recording, warmUpMs, recording.durationMs);
  const draws: Figures[] = [];
  let overloaded: readonly string[] = [];
  for (let run = 0; run < options.runs; run++) {
    const outcome = runReplay(fleet, fleet.traffic, options.policy, options.seed + run);
    if (run === 0) overloaded = overloadedServers(fleet, outcome);
    draws.push(figuresOfRun(outcome, fleet.servers.length, firstFrom(fleet.traffic.atMs, warmUpMs)));
    options.onRun();
  }
  return { figures: [...compare(measured, draws), placement(measured, draws)], overloaded };
}

/** The second half from the first: works are drawn, and what went wrong is taken to go wrong again, at another time. */
function checkAhead(recording: Recording, halfMs: number, options: CheckOptions): CheckedFigure[] {
  const { durationMs } = recording;
  const fitted = fitFleet(part(recording, 0, halfMs), options.seed);
  const second = part(recording, halfMs, durationMs);
  const warmUpMs = warmUpOf(second.durationMs);
  const measured = recordedFigures(second, warmUpMs, second.durationMs);
  const random = seededRandom(options.seed + 0x5eed);
  const draws: Figures[] = [];
  for (let run = 0; run < options.aheadRuns; run++) {
    // Once as it was, and then put together anew of pieces: how much it matters what goes wrong when, and how often.
    const fleet = run === 0 ? fitted : rearranged(fitted, second.durationMs, random.next);
    // What was seen of works is itself a draw: a busy fleet's queues tell one percent of work more or less.
    const works = fitted.works.map((seen) => resampled(seen, random.next));
    const traffic = drawnTraffic(second, { ...fitted, works }, random.next);
    const outcome = runReplay(fleet, traffic, options.policy, options.seed + run);
    draws.push(figuresOfRun(outcome, fleet.servers.length, firstFrom(traffic.atMs, warmUpMs)));
    options.onRun();
  }
  return compare(measured, draws);
}

/** The arrivals of a recording with works of a fit. */
function drawnTraffic(recording: Recording, fitted: FittedFleet, random: () => number): FittedTraffic {
  const unknown = new Float64Array(recording.requests.atMs.length).fill(Number.NaN);
  const { traffic } = completeTraffic(recording, unknown, random);
  const work = Float64Array.from(traffic.class, (kind) => {
    const works = fitted.works[kind];
    return works.length > 0 ? works[Math.floor(random() * works.length)] : 1;
  });
  const { delayMs: delays } = fitted.traffic;
  const delayMs = traffic.delayMs.map(() => delays[Math.floor(random() * delays.length)]);
  return { ...traffic, work, delayMs };
}

/** Figures that were measured against those of the draws. */
function compare(measured: Recorded, draws: readonly Figures[]): CheckedFigure[] {
  const times = (read: (of: Figures) => number): Interval => {
    const values = draws.map(read);
    // The geometric mean: one draw in which a queue grew long does not stand for the others.
    const middle = Math.exp(values.reduce((sum, ms) => sum + Math.log(ms), 0) / values.length);
    return timesIntervalOf(middle, values);
  };
  type Latency = "p50Ms" | "p99Ms";
  const latency = (name: string, figure: Latency, edges: (of: Figures) => readonly [number, number]): CheckedFigure => {
    const predicted = times((of) => of[figure]);
    const was = measured[figure];
    const least = times((of) => edges(of)[0]).value;
    const most = times((of) => edges(of)[1]).value;
    const near = least <= (1 + LATENCY_TOLERANCE) * was && most >= (1 - LATENCY_TOLERANCE) * was;
    const telling = predicted.high - predicted.value <= WIDEST * predicted.value;
    const within = telling && was >= predicted.low && was <= predicted.high;
    return { name, unit: "ms", measured: was, predicted, holds: near || within };
  };
  const errors = (tolerance: number): CheckedFigure => {
    const shares = draws.map(({ errorShare }) => errorShare);
    const predicted = intervalOf(shares.reduce((a, b) => a + b, 0) / shares.length, shares, 0);
    const was = measured.errorShare;
    return {
      name: "errors",
      unit: "share",
      measured: was,
      predicted,
      holds: Math.abs(predicted.value - was) <= tolerance,
    };
  };
  return [
    latency("p50", "p50Ms", ({ aroundP50Ms }) => aroundP50Ms),
    latency("p99", "p99Ms", ({ p99Ms }) => [p99Ms, p99Ms]),
    errors(Math.max(ERROR_TOLERANCE, ERROR_RATIO * measured.errorShare)),
  ];
}

/** How much of the traffic went elsewhere. Not asked of the second half: which server has trouble there nobody can know. */
function placement(measured: Recorded, draws: readonly Figures[]): CheckedFigure {
  const placed = (server: number): number => draws.reduce((sum, { shares }) => sum + shares[server], 0) / draws.length;
  const misplaced = measured.shares.reduce((sum, was, server) => sum + Math.abs(was - placed(server)), 0) / 2;
  return {
    name: "placed elsewhere than predicted",
    unit: "share",
    measured: misplaced,
    predicted: { value: 0, low: 0, high: PLACED_TOLERANCE },
    holds: misplaced <= PLACED_TOLERANCE,
  };
}
