/** What the supervisor can say of learned balancing without asking the learner: the `ml` of `GET /api/v1/status`. */
import { Header, type SharedMemory, WorkerCounter } from "../../../shared/memory/layout.ts";
import {
  ARM_NAMES,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  RUNG_NAMES,
} from "../../../shared/memory/layout-learning.ts";
import type { Learner } from "./learner.ts";

/** Where it is read. */
export interface LearningView {
  readonly memory: SharedMemory;
  readonly learner: Learner;
}

/** `null` while the strategy is not `ml`. */
export function describeLearning({ memory, learner }: LearningView): object | null {
  const { status } = learner;
  if (status === null) return null;
  const { words, figures } = memory.learned[0];
  const counters = memory.learnerCounters;
  const age = learner.tableAgeMs;
  return {
    rung: RUNG_NAMES[learner.rung],
    learner: {
      pid: status.pid,
      state: status.state,
      restarts: status.restarts,
      uptime_seconds: Math.round(status.uptimeMs / 1000),
      rss_bytes: counters[LearnerCounter.RSS_BYTES],
    },
    /** `null` = there is none. */
    table_age_ms: Number.isFinite(age) ? Math.round(age) : null,
    model_version: versionIn(words[LearnerWord.CHAMPION_MODEL]),
    canary_version: versionIn(words[LearnerWord.CANARY_MODEL]),
    shares: {
      control: figures[LearnerFigure.CONTROL_SHARE],
      canary: figures[LearnerFigure.CANARY_SHARE],
      second: figures[LearnerFigure.SECOND_SHARE],
    },
    decisions: decisionsOf(memory),
    samples: counters[LearnerCounter.SAMPLES],
    samples_lost: counters[LearnerCounter.SAMPLES_LOST],
    model_errors: counters[LearnerCounter.ERRORS],
  };
}

/** 0 = none, -1 = a model server's. */
function versionIn(word: number): number | null {
  return word > 0 ? word : null;
}

/** By arm, over all workers. */
function decisionsOf({ header, workers }: SharedMemory): Record<string, number> {
  const used = workers.slice(0, header[Header.WORKER_BLOCKS]);
  return Object.fromEntries(
    ARM_NAMES.map((arm, index) => [
      arm,
      used.reduce((sum, { counters }) => sum + counters[WorkerCounter.DECISIONS + index], 0),
    ]),
  );
}
