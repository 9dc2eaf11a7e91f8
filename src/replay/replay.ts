/** What another strategy would have given on recorded traffic. Pure: seeded, no clock. */
import { seededRandom } from "../balancing/random.ts";
import { LEARNED_STRATEGY } from "../balancing/registry.ts";
import { learnedPolicy, type Policy, parsePolicy } from "../simulator/policy.ts";
import { checkFleet, WIDEST, warmUpOf } from "./check/self-check.ts";
import { describeServers, overloadedServers } from "./describe.ts";
import { fitFleet } from "./fit/fit-fleet.ts";
import type { FittedFleet } from "./fleet.ts";
import type { Recording } from "./recording.ts";
import type { Forecast, Interval, ReplayOptions, ReplayResult } from "./result.ts";
import {
  type Figures,
  figuresOfRun,
  firstFrom,
  intervalOf,
  recordedFigures,
  timesIntervalOf,
} from "./simulate/figures.ts";
import { runReplay } from "./simulate/run.ts";

/** Runs over the requests as they were: what the strategy makes of chance. The others draw works anew. */
const OWN_RUNS = 2;
/** Beyond so many requests chance matters little, and time much: as few runs as give an interval. */
const MANY_REQUESTS = 300_000;
const FEWEST_RUNS = 3;
/** Runs over the second half of the recording, where there are not many requests. */
const AHEAD_RUNS = 10;
/** With so many errors a 99th percentile is now a latency and now a failure. */
const TAIL_ERRORS = [0.006, 0.016] as const;

/**
 * Fits a fleet to the recording, checks how well that reproduces what happened, and, where it does, says what each
 * strategy would have given. Throws an `Error` for an unknown strategy, or for `ml` without a network.
 */
export async function replay(recording: Recording, options: ReplayOptions): Promise<ReplayResult> {
  const { seed, strategies, onProgress } = options;
  const policies = strategies.map((name) => policyOf(name, options));
  const ran = recording.strategy === null ? null : policyOf(recording.strategy, options);
  const fleet = fitFleet(recording, seed);
  const many = fleet.traffic.atMs.length > MANY_REQUESTS;
  const runs = many ? FEWEST_RUNS : Math.max(FEWEST_RUNS, options.runs);
  const ownRuns = many ? 1 : OWN_RUNS;
  const aheadRuns = many ? FEWEST_RUNS : Math.max(AHEAD_RUNS, runs);
  const total = runs + aheadRuns + strategies.length * (ownRuns + runs);
  let done = 0;
  const onRun = (): void => onProgress?.(++done, total);
  const selfCheck = checkFleet(recording, fleet, { policy: ran, seed, runs, aheadRuns, onRun });
  const forecasts: Forecast[] = [];
  if (selfCheck.verdict === "passed") {
    for (const policy of policies) {
      await Promise.resolve(); // who shows progress gets a turn
      forecasts.push(forecast(fleet, policy, policy.name === recording.strategy, { seed, runs, ownRuns, onRun }));
    }
  }
  return {
    recorded: recordedFigures(recording, 0, recording.durationMs),
    selfCheck,
    forecasts,
    servers: describeServers(fleet),
    notes: [...notesOf(recording, fleet), ...forecasts.flatMap(caveats)],
  };
}

function policyOf(name: string, { network }: ReplayOptions): Policy {
  if (name !== LEARNED_STRATEGY) return parsePolicy(name);
  if (network === undefined) throw new Error(`the strategy ${LEARNED_STRATEGY} needs a model to route by`);
  return learnedPolicy(network);
}

interface ForecastRuns {
  readonly seed: number;
  readonly runs: number;
  readonly ownRuns: number;
  readonly onRun: () => void;
}

function forecast(
  fleet: FittedFleet,
  policy: Policy,
  ran: boolean,
  { seed, runs, ownRuns, onRun }: ForecastRuns,
): Forecast {
  const from = firstFrom(fleet.traffic.atMs, warmUpOf(fleet.durationMs));
  const own: Figures[] = [];
  const drawn: Figures[] = [];
  let overloaded: readonly string[] = [];
  for (let run = 0; run < ownRuns + runs; run++) {
    const random = seededRandom(seed + 0xf00d + run).next; // the same draws for every strategy
    const { traffic } = fleet;
    const work =
      run < ownRuns
        ? traffic.work
        : Float64Array.from(traffic.class, (kind) => {
            const works = fleet.works[kind];
            return works.length > 0 ? works[Math.floor(random() * works.length)] : 1;
          });
    const outcome = runReplay(fleet, { ...traffic, work }, policy, seed + run);
    if (run === 0) overloaded = overloadedServers(fleet, outcome);
    (run < ownRuns ? own : drawn).push(figuresOfRun(outcome, fleet.servers.length, from));
    onRun();
  }
  const mean = (read: (of: Figures) => number): number => own.reduce((sum, of) => sum + read(of), 0) / own.length;
  const times = (read: (of: Figures) => number): Interval => timesIntervalOf(mean(read), drawn.map(read));
  return {
    strategy: policy.name,
    ran,
    p50Ms: times(({ p50Ms }) => p50Ms),
    p99Ms: times(({ p99Ms }) => p99Ms),
    p999Ms: times(({ p999Ms }) => p999Ms),
    meanMs: times(({ meanMs }) => meanMs),
    errorShare: intervalOf(
      mean(({ errorShare }) => errorShare),
      drawn.map(({ errorShare }) => errorShare),
      0,
    ),
    shares: fleet.servers.map((_, i) => mean(({ shares }) => shares[i])),
    overloaded,
  };
}

/** What makes the latencies of a forecast mean less than they seem to. */
function caveats({ strategy, overloaded, errorShare, p99Ms }: Forecast): string[] {
  if (overloaded.length === 0) {
    const [least, most] = TAIL_ERRORS;
    if (errorShare.value < least || errorShare.value > most) {
      const wide = p99Ms.high - p99Ms.value > WIDEST * p99Ms.value;
      return wide
        ? [`chance makes much of the p99 under ${strategy}: its interval is the forecast, not its middle`]
        : [];
    }
    return [`about one in a hundred requests fails under ${strategy}: chance says whether its p99 is that of failures`];
  }
  return [
    `${strategy} would send more to ${overloaded.join(", ")} than that can do: queues grow until somebody gives up, ` +
      "and its latencies are no forecast",
  ];
}

function notesOf(recording: Recording, fleet: FittedFleet): string[] {
  const notes: string[] = [];
  const { requests, arrivals, strategy } = recording;
  if (arrivals !== null) {
    const all = arrivals.reduce((a, b) => a + b, 0);
    const percent = ((100 * requests.atMs.length) / Math.max(1, all)).toFixed(0);
    notes.push(`single requests are a sample (${percent} % of all): the rest was drawn, second by second`);
  }
  if (strategy === null) notes.push("what balanced is not known: the self-check sends each request where it went");
  const delayed = requests.waitMs.reduce((sum, ms) => sum + (ms > 0 ? 1 : 0), 0);
  if (delayed > 0) {
    notes.push(
      `${delayed} of the requests waited in the balancer, or were sent elsewhere first: such are taken to wait as long whatever balances`,
    );
  }
  const unlimited = fleet.servers.filter(({ workers }) => workers === Number.POSITIVE_INFINITY);
  if (unlimited.length > 0) {
    notes.push(
      `never so busy that a queue was to be seen: ${unlimited.map(({ name }) => name).join(", ")}; ` +
        "what more load would do to them is not known",
    );
  }
  return notes;
}
