/** From runs to the figures of the tables. */
import { type Estimate, geometricEstimate } from "../../src/simulator/statistics.ts";
import { geometricMean } from "../common/statistics.ts";
import type { Side } from "./contestant.ts";
import type { Conditions } from "./measure.ts";
import type { ClientFigures, FleetRecord } from "./messages.ts";
import type { Theory } from "./theory.ts";

/** One contestant in one scenario, round by round. */
export interface ContestantRuns {
  readonly name: string;
  readonly side: Side;
  readonly rounds: readonly { readonly figures: ClientFigures; readonly record: FleetRecord }[];
}

/** Everything that was measured in one scenario. */
export interface ScenarioRuns {
  readonly scenario: string;
  readonly contestants: readonly ContestantRuns[];
  /** What `direct` should see, by round; empty where that cannot be said. */
  readonly theory: readonly Theory[];
  /** By run: rounds times batches. */
  readonly conditions: readonly Conditions[];
}

/** One row of a scenario's table. Estimates are geometric means over rounds; times in milliseconds. */
export interface ContestantFigures {
  readonly name: string;
  readonly side: Side;
  readonly p50: Estimate;
  readonly p99: Estimate;
  readonly p999: Estimate;
  /** Failed requests of all rounds together, and their share. */
  readonly errors: number;
  readonly errorShare: number;
  /** Requests that servers got for each that clients sent: retries and hedges make it more than 1. */
  readonly attempts: number;
  /** p99 and p50 through those of the best peer; null without peers. */
  readonly p99Ratio: Estimate | null;
  readonly p50Ratio: Estimate | null;
}

export interface ScenarioFigures {
  readonly scenario: string;
  /** The peer with the lowest p99, known only afterwards; null when none took part. */
  readonly bestPeer: string | null;
  /** Of the peer that had the fewest; null when none took part. */
  readonly fewestPeerErrors: number | null;
  readonly contestants: readonly ContestantFigures[];
}

/** One contestant over all scenarios. */
export interface Overall {
  readonly name: string;
  readonly side: Side;
  /** Geometric means over scenarios. */
  readonly p99Ratio: number;
  readonly p50Ratio: number;
  readonly worstRatio: number;
  readonly worstScenario: string;
  readonly errors: number;
  /** Errors beyond those of the peer with the fewest, scenario by scenario. */
  readonly excessErrors: number;
}

/** The figures of one scenario. */
export function summariseScenario({ scenario, contestants }: ScenarioRuns): ScenarioFigures {
  const peers = contestants.filter(({ side }) => side === "peer");
  const best = peers.toSorted((a, b) => p99Of(a) - p99Of(b))[0];
  return {
    scenario,
    bestPeer: best?.name ?? null,
    fewestPeerErrors: peers.length === 0 ? null : Math.min(...peers.map(errorsOf)),
    contestants: contestants.map((runs): ContestantFigures => {
      const { name, side, rounds } = runs;
      const over = (read: (figures: ClientFigures) => number): Estimate =>
        geometricEstimate(rounds.map(({ figures }) => read(figures)));
      const ratio = (read: (figures: ClientFigures) => number): Estimate | null =>
        best === undefined
          ? null
          : geometricEstimate(rounds.map(({ figures }, round) => read(figures) / read(best.rounds[round].figures)));
      const requests = rounds.reduce((sum, { figures }) => sum + figures.requests, 0);
      return {
        name,
        side,
        p50: over(({ p50Ms }) => p50Ms),
        p99: over(({ p99Ms }) => p99Ms),
        p999: over(({ p999Ms }) => p999Ms),
        errors: errorsOf(runs),
        errorShare: errorsOf(runs) / requests,
        attempts: attemptsOf(runs),
        p99Ratio: ratio(({ p99Ms }) => p99Ms),
        p50Ratio: ratio(({ p50Ms }) => p50Ms),
      };
    }),
  };
}

/** Every contestant over all scenarios; empty without peers. */
export function summariseAll(scenarios: readonly ScenarioFigures[]): Overall[] {
  const [first] = scenarios;
  if (first === undefined || scenarios.some(({ bestPeer }) => bestPeer === null)) return [];
  return first.contestants.map(({ name, side }): Overall => {
    const rows = scenarios.map(({ contestants }) => contestants.find((row) => row.name === name)!);
    const ratios = rows.map(({ p99Ratio }) => p99Ratio!.value);
    const worst = ratios.indexOf(Math.max(...ratios));
    return {
      name,
      side,
      p99Ratio: geometricMean(ratios),
      p50Ratio: geometricMean(rows.map(({ p50Ratio }) => p50Ratio!.value)),
      worstRatio: ratios[worst],
      worstScenario: scenarios[worst].scenario,
      errors: rows.reduce((sum, { errors }) => sum + errors, 0),
      excessErrors: rows.reduce((sum, { errors }, i) => sum + Math.max(0, errors - scenarios[i].fewestPeerErrors!), 0),
    };
  });
}

function p99Of({ rounds }: ContestantRuns): number {
  return geometricMean(rounds.map(({ figures }) => figures.p99Ms));
}

function errorsOf({ rounds }: ContestantRuns): number {
  return rounds.reduce((sum, { figures: { failures } }) => sum + total(Object.values(failures)), 0);
}

function attemptsOf({ rounds }: ContestantRuns): number {
  const received = rounds.reduce((sum, { record }) => sum + total(record.received), 0);
  return received / rounds.reduce((sum, { figures }) => sum + figures.sent, 0);
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
