/** Seeded traffic with known truth for the judges: arms that differ by a factor, or a fleet with policies that choose. */
import { type Random, seededRandom } from "../../../../src/balancing/random.ts";
import type { Judge, JudgeSigns } from "../../../../src/learning/judge/judge.ts";
import type { AttemptRecord, DecisionViews, PolicyView } from "../../../../src/learning/judge/record.ts";
import type { Verdict } from "../../../../src/learning/judge/verdict.ts";
import { Rung } from "../../../../src/shared/memory/layout/learning.ts";

/** Nothing is wrong. */
export const CALM: JudgeSigns = Object.freeze({
  modelReady: true,
  tableAgeMs: 50,
  remoteUnavailable: false,
  modelFaults: 0,
  canaryFaults: 0,
  drift: undefined,
});

/** Milliseconds of a second and a minute. */
export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

const EXPLORATION = 0.01;
/** Servers of the fleet, by how much slower they are than the fastest. */
const SPEEDS = [1, 1, 1.5, 2, 2, 3];
const SLOTS = SPEEDS.map((_, slot) => slot);

/** What happens to all arms alike. */
export interface World {
  readonly requestsPerSecond: number;
  readonly seed: number;
  readonly untilMs: number;
  /** What all latencies are multiplied with at a time; drifts by half over minutes when absent. */
  readonly level?: (nowMs: number) => number;
  /** Share of attempts that fail at a time. */
  readonly failures?: (nowMs: number) => number;
  readonly signs?: (nowMs: number) => Partial<JudgeSigns>;
  /** Called before each tick: commands, proposals. */
  readonly before?: (nowMs: number) => void;
  /** Ends the run when true. */
  readonly until?: (verdicts: readonly Verdict[]) => boolean;
}

/** What a model is, beside its version. `cost` multiplies the latency of what it routes (a fault that no score shows). */
export interface SimulatedModel {
  readonly view: PolicyView;
  readonly cost?: (nowMs: number) => number;
}

/** Mean-one lognormal with σ = 1. */
export function lognormal({ next }: Random): number {
  const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Math.exp(normal - 0.5);
}

/** Runs the judge against arms whose mean latencies differ by a factor only, all on one server. */
export function runArms(
  judge: Judge,
  world: World,
  factorOf: (version: number | null, rung: number, nowMs: number) => number,
): Verdict[] {
  return run(judge, world, (version, rung, nowMs) => ({
    slot: 0,
    propensity: 1,
    factor: factorOf(version, rung, nowMs),
  }));
}

/**
 * Runs the judge on a fleet of six unequal servers with load that comes and goes. Latency is
 * `20 ms · speed · (1 + 0.2 k) · lognormal`; the estimator knows speeds within 20 %; weighted round robin knows none.
 */
export function runFleet(judge: Judge, world: World, models: Readonly<Record<number, SimulatedModel>>): Verdict[] {
  const random = seededRandom(world.seed + 77);
  const inFlight = new Float64Array(SLOTS.length);
  return run(judge, world, (version, rung, nowMs) => {
    for (const slot of SLOTS) inFlight[slot] = Math.floor((-Math.log(1 - random.next()) * 4) / SPEEDS[slot]);
    const view = version === null ? ESTIMATOR.view : models[version].view;
    let slot: number;
    let propensity = 1;
    if (rung === Rung.FLOOR) slot = Math.floor(random.next() * SLOTS.length);
    else {
      const order = [...SLOTS].sort((a, b) => view.score(a, inFlight[a]) - view.score(b, inFlight[b]));
      const explores = random.next() < EXPLORATION;
      slot = order[explores ? 1 : 0];
      propensity = explores ? EXPLORATION : 1 - EXPLORATION;
    }
    const own = version === null ? 1 : (models[version].cost?.(nowMs) ?? 1);
    const incumbent =
      judge.directive.rung === Rung.MODEL ? models[judge.directive.championVersion ?? 0].view : ESTIMATOR.view;
    const shadow = judge.shadowVersion;
    return {
      slot,
      propensity,
      factor: own * SPEEDS[slot] * (1 + 0.2 * inFlight[slot]),
      inFlight,
      views:
        shadow === null ? undefined : { candidate: models[shadow].view, incumbent, direct: ESTIMATOR.view.predicted },
    };
  });
}

/** A model of the fleet whose idea of a server's speed is `speeds[slot]`. */
export function modelOf(speeds: readonly number[]): SimulatedModel {
  const predicted = (slot: number, k: number) => (speeds[slot] * (1 + 0.2 * k)) / 1.8;
  return { view: { score: predicted, predicted } };
}

/** Knows the truth. */
export const PERFECT: SimulatedModel = modelOf(SPEEDS);
/** Believes that all servers are alike. */
export const NAIVE: SimulatedModel = modelOf(SPEEDS.map(() => 1.6));
/** Believes the opposite of the truth: what poisoned samples teach. */
export const POISONED: SimulatedModel = modelOf(SPEEDS.map((speed) => 3 / speed));
const ESTIMATOR = modelOf(SPEEDS.map((speed, slot) => speed * (slot % 2 === 0 ? 1.2 : 0.85)));

interface Routed {
  readonly slot: number;
  readonly propensity: number;
  /** Of the mean latency. */
  readonly factor: number;
  readonly inFlight?: Float64Array;
  readonly views?: DecisionViews;
}

function run(
  judge: Judge,
  world: World,
  route: (version: number | null, rung: number, nowMs: number) => Routed,
): Verdict[] {
  const random = seededRandom(world.seed);
  const gapMs = SECOND / world.requestsPerSecond;
  const level = world.level ?? ((nowMs: number) => 1 + 0.5 * Math.sin((nowMs / MINUTE) * 0.7));
  const verdicts: Verdict[] = [];
  let meanMs = 20;
  let nowMs = 0;
  let tickMs = SECOND;
  const noInFlight = new Float64Array(1);
  for (;;) {
    nowMs -= Math.log(1 - random.next()) * gapMs;
    for (; tickMs <= nowMs; tickMs += SECOND) {
      if (tickMs > world.untilMs) return verdicts;
      world.before?.(tickMs);
      verdicts.push(...judge.tick(tickMs, { ...CALM, ...world.signs?.(tickMs) }));
      if (world.until?.(verdicts)) return verdicts;
    }
    const { rung, championVersion, canaryVersion, canaryShare, controlShare } = judge.directive;
    const drawn = random.next();
    const arm = drawn < controlShare ? "control" : drawn < controlShare + canaryShare ? "canary" : "champion";
    const policy = arm === "control" ? rung + 1 : arm === "canary" ? Rung.MODEL : rung;
    const version = policy !== Rung.MODEL ? null : arm === "canary" ? canaryVersion : championVersion;
    const { slot, propensity, factor, inFlight = noInFlight, views } = route(version, policy, nowMs);
    const latencyMs = 20 * level(nowMs) * factor * lognormal(random);
    const failed = random.next() < (world.failures?.(nowMs) ?? 0);
    const record: AttemptRecord = {
      arm,
      modelVersion: version,
      slot,
      latencyMs,
      failed,
      inFlight: inFlight[slot],
      dispatchedMs: nowMs,
      endedMs: nowMs + latencyMs,
      propensity,
      meanMs,
      candidates: inFlight === noInFlight ? [0] : SLOTS,
      candidatesInFlight: inFlight,
    };
    judge.observe(record, arm === "champion" ? views : undefined);
    // The fleet's mean as the estimator keeps it: over ten seconds of responses.
    if (!failed) meanMs += (latencyMs - meanMs) * -Math.expm1(-gapMs / 10_000);
  }
}
