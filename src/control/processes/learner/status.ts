/** What the supervisor can say of learning without asking the learner: `ml` and `samples` of `GET /api/v1/status`. */

import {
  ARM_NAMES,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  RUNG_NAMES,
} from "../../../shared/memory/layout/learning.ts";
import { Header, type SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { describeProcess } from "../sole-process.ts";
import type { LearnedPool, Learner } from "./learner.ts";

/** Where it is read. */
export interface LearningView {
  readonly memory: SharedMemory;
  readonly learner: Pick<Learner, "status" | "pools" | "limited" | "sampled">;
}

/** `null` while no pool's strategy is `ml`. What is in force stands beside the rest for one pool, by name below it for several. */
export function describeLearning({ memory, learner }: LearningView) {
  const { pools } = learner;
  const process = describeProcess(learner.status, memory.learnerCounters[LearnerCounter.RSS_BYTES]);
  if (process === null || pools.length === 0) return null;
  const counters = memory.learnerCounters;
  const counts = {
    decisions: decisionsOf(memory),
    samples: counters[LearnerCounter.SAMPLES],
    samples_lost: counters[LearnerCounter.SAMPLES_LOST],
    model_errors: counters[LearnerCounter.MODEL_FAILURES],
    predictions: sumOf(memory, WorkerCounter.ML_PREDICTED),
    fallbacks: sumOf(memory, WorkerCounter.ML_FALLBACKS),
  };
  if (pools.length !== 1) {
    const byName = pools.map((pool) => [pool.name, describePool(memory, pool)] as const);
    return { learner: process, ...counts, pools: Object.fromEntries(byName) };
  }
  const { rung, ...inForce } = describePool(memory, pools[0]);
  return { rung, learner: process, ...inForce, ...counts };
}

/** The pools of whose traffic samples are kept though another strategy balances them; `null` while there is none. */
export function describeSamples({ memory, learner }: LearningView) {
  const { sampled } = learner;
  if (sampled.length === 0) return null;
  return {
    pools: sampled,
    kept: memory.learnerCounters[LearnerCounter.SAMPLES_KEPT],
    learner: describeProcess(learner.status, memory.learnerCounters[LearnerCounter.RSS_BYTES]),
  };
}

/** The pools whose servers' limits are learned, whatever their strategy; `null` while there is none. */
export function describeLimits({ memory, learner }: LearningView) {
  const { limited } = learner;
  if (limited.length === 0) return null;
  return {
    pools: limited.map(({ name }) => name),
    learner: describeProcess(learner.status, memory.learnerCounters[LearnerCounter.RSS_BYTES]),
  };
}

/** What is in force in a pool, and by which models. */
export function describePool({ learned }: Pick<SharedMemory, "learned">, { row, rung, tableAgeMs }: LearnedPool) {
  const { words, figures } = learned[row];
  return {
    rung: RUNG_NAMES[rung],
    /** `null` = there is none. */
    table_age_ms: Number.isFinite(tableAgeMs) ? Math.round(tableAgeMs) : null,
    model_version: versionIn(words[LearnerWord.CHAMPION_MODEL]),
    canary_version: versionIn(words[LearnerWord.CANARY_MODEL]),
    shares: {
      control: figures[LearnerFigure.CONTROL_SHARE],
      canary: figures[LearnerFigure.CANARY_SHARE],
      second: figures[LearnerFigure.SECOND_SHARE],
    },
  };
}

/** 0 = none, -1 = a model server's. */
function versionIn(word: number): number | null {
  return word > 0 ? word : null;
}

/** By arm, over all workers. */
function decisionsOf(memory: SharedMemory): Record<string, number> {
  return Object.fromEntries(ARM_NAMES.map((arm, index) => [arm, sumOf(memory, WorkerCounter.DECISIONS + index)]));
}

/** A `WorkerCounter`, over all workers. */
function sumOf({ header, workers }: SharedMemory, counter: number): number {
  const used = workers.slice(0, header[Header.WORKER_BLOCKS]);
  return used.reduce((sum, { counters }) => sum + counters[counter], 0);
}
