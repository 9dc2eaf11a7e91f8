/** What strategies would have given on the traffic that a pool had of late, for whoever is about to switch. */
import { seededRandom } from "../balancing/random.ts";
import { LEARNED_STRATEGY } from "../balancing/registry.ts";
import type { Network } from "../learning/models/network.ts";
import type { Estimate, Expectations, MeasuredTraffic, StrategyExpectation } from "../shared/expectations.ts";
import { COMPARED_NAMES } from "../simulator/policy.ts";
import type { HistoryReader } from "../storage/history-store.ts";
import { NothingToReplayError, type Reading } from "./reading/reading.ts";
import { readStore } from "./reading/store/read-store.ts";
import { recentWindow } from "./reading/store/recent.ts";
import { replay } from "./replay.ts";
import { expectationSentence } from "./report/expectation-sentence.ts";
import type { Forecast, Interval, Recorded, ReplayResult } from "./result.ts";

/** Requests that are replayed at most: all strategies in about six seconds of one core, in 350 MB. */
const MOST_REPLAYED = 150_000;
/** Runs of each strategy: as few as give an interval. */
const RUNS = 3;
const SEED = 1;
/** Servers that are named as overloaded, of each strategy. */
const MOST_NAMED = 16;

/** What is asked. */
export interface ExpectationOptions {
  readonly pool: string;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** So much traffic before that, milliseconds. */
  readonly windowMs: number;
  /** Names of `STRATEGIES` beside the one that ran; `null` = all of which a simulation can say something. */
  readonly strategies: readonly string[] | null;
  /** The model that `ml` routes by; read if it is needed. */
  readonly network: () => Network;
}

/** Rejects with a `StoreError` as the reader does; that there is nothing to be said is an answer. */
export async function expectStrategies(reader: HistoryReader, options: ExpectationOptions): Promise<Expectations> {
  const { pool, nowMs, windowMs } = options;
  const window = { pool, sinceMs: nowMs - windowMs, untilMs: nowMs };
  let reading: Reading;
  const notes: string[] = [];
  try {
    const recent = await recentWindow(reader, { ...window, mostRequests: MOST_REPLAYED });
    notes.push(...recent.notes);
    const { sinceMs } = recent;
    const random = seededRandom(SEED).next;
    reading = await readStore(reader, { ...window, sinceMs, instance: null, strategy: null, random });
  } catch (error) {
    if (error instanceof NothingToReplayError) return nothing(pool, sentenceOf(error.message), notes);
    throw error;
  }
  return expectOf(reading, notes, options);
}

async function expectOf(reading: Reading, before: readonly string[], options: ExpectationOptions) {
  const { recording } = reading;
  const { strategy: ran } = recording;
  const asked = (options.strategies ?? COMPARED_NAMES).filter((name) => name !== ran);
  const strategies = asked.filter((name) => COMPARED_NAMES.includes(name));
  const names = ran === null ? strategies : [ran, ...strategies];
  const network = names.includes(LEARNED_STRATEGY) ? options.network() : undefined;
  const result = await replay(recording, { strategies: names, seed: SEED, runs: RUNS, network });
  const expectations = result.forecasts.map(expectationOf);
  const notes = [...before, ...reading.notes, ...result.notes.map(sentenceOf)];
  if (expectations.some(({ strategy }) => strategy === LEARNED_STRATEGY)) notes.push(SHIPPED_MODEL);
  const { selfCheck, recorded } = result;
  const window = isoWindow(recording.startMs, recording.durationMs);
  const found: Omit<Expectations, "sentence"> = {
    pool: options.pool,
    verdict: selfCheck.verdict,
    reasons: reasonsOf(result),
    notes,
    window,
    ran,
    requests: recorded.requests,
    single_requests: recording.requests.atMs.length,
    measured: measuredOf(recorded),
    expectations,
    left_out: asked.filter((name) => !strategies.includes(name)).map((strategy) => ({ strategy, why: NO_KEYS })),
  };
  return { ...found, sentence: expectationSentence(found) };
}

const SHIPPED_MODEL = `${LEARNED_STRATEGY} is tried with the model that the product ships with, not with what was learned here.`;
const NO_KEYS = "It places by a key of the request, and keys are not recorded.";

/** Where requests are too few, it may be that too few were kept. */
function reasonsOf({ selfCheck: { verdict, reasons }, recorded, servers }: ReplayResult): string[] {
  const sentences = reasons.map(sentenceOf);
  if (verdict !== "impossible" || servers.length < 2) return sentences;
  return [
    ...sentences,
    recorded.requests > ENOUGH
      ? "There were more requests than were kept one by one: a higher REQUEST_LOG_MAX_ROWS_PER_SECOND keeps more."
      : "More traffic, or a longer window, would help.",
  ];
}

/** With so many requests it is not traffic that lacks. */
const ENOUGH = 4000;

function expectationOf(forecast: Forecast): StrategyExpectation {
  const { strategy, ran, overloaded } = forecast;
  const time = (of: Interval): Estimate | null => (overloaded.length > 0 ? null : rounded(of));
  return {
    strategy,
    ran,
    mean_ms: time(forecast.meanMs),
    p50_ms: time(forecast.p50Ms),
    p99_ms: time(forecast.p99Ms),
    error_share: rounded(forecast.errorShare),
    overloaded: overloaded.slice(0, MOST_NAMED),
  };
}

/** No request at all, or no time: then nothing was measured. */
function measuredOf({ meanMs, p50Ms, p99Ms, errorShare }: Recorded): MeasuredTraffic | null {
  if (!Number.isFinite(p50Ms)) return null;
  return {
    mean_ms: digits(meanMs),
    p50_ms: digits(p50Ms),
    p99_ms: digits(p99Ms),
    error_share: digits(errorShare),
  };
}

function nothing(pool: string, why: string, notes: readonly string[]): Expectations {
  const none = { window: null, ran: null, requests: 0, single_requests: 0, measured: null };
  const found = { pool, verdict: "nothing", reasons: [why], notes, ...none, expectations: [], left_out: [] } as const;
  return { ...found, sentence: expectationSentence(found) };
}

function isoWindow(startMs: number, durationMs: number) {
  return { since: new Date(startMs).toISOString(), until: new Date(startMs + durationMs).toISOString() };
}

function rounded({ value, low, high }: Interval): Estimate {
  return { value: digits(value), low: digits(low), high: digits(high) };
}

/** More than four digits say nothing. */
function digits(value: number): number {
  return Number(value.toPrecision(4));
}

function sentenceOf(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
