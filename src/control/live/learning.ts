/** Learned balancing as frames show it: read from the shared memory, and some of it asked of the learner, rarely. */
import type { LearnerDescription } from "../../shared/explanation/learned.ts";
import type { LiveArm, LiveLearning } from "../../shared/live/frame.ts";
import type { TimelineEvent } from "../../shared/live/timeline.ts";
import {
  ARM_NAMES,
  type LearnedTable,
  LearnerFigure,
  LearnerWord,
  PredictionWord,
  RUNG_NAMES,
  Rung,
} from "../../shared/memory/layout/learning.ts";
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import type { LearnedPool } from "../processes/learner/learner.ts";
import { rounded } from "./quantiles.ts";
import type { Traffic } from "./traffic.ts";
import type { LiveView } from "./view.ts";

/** The learner is asked so often, while somebody watches: it has something else to do. */
const ASK_MS = 5_000;
/** 95 % of a normal distribution lie within so many standard errors. */
const NORMAL_95 = 1.96;
/** By policy of a rung. */
const POLICIES: Readonly<Record<number, string>> = {
  [Rung.MODEL]: "the model",
  [Rung.ESTIMATOR]: "the estimator",
  [Rung.FLOOR]: "weighted round robin",
};

/** What was predicted of a server and what came of it, milliseconds. */
export interface PredictedServer {
  readonly predicted: number;
  readonly actual: number;
}

/** One instance's. */
export class LiveLearningReader {
  readonly #view: LiveView;
  #askedMs = Number.NEGATIVE_INFINITY;
  #said: Readonly<Record<string, LearnerDescription>> = {};
  /** By pool. */
  readonly #verdicts = new Map<string, LiveLearning["last_verdict"]>();
  /** By id of the server: sums of predictions at the last look. */
  #sums = new Map<number, readonly [count: number, predicted: number, actual: number]>();
  readonly #predictions = new Map<number, PredictedServer>();

  constructor(view: LiveView) {
    this.#view = view;
  }

  /** Something happened: a verdict is remembered. */
  readonly onEvent = ({ kind, pool, at, message, detail }: TimelineEvent): void => {
    if (kind !== "verdict") return;
    const { verdict } = (detail ?? {}) as { readonly verdict?: unknown };
    if (typeof verdict !== "string") return; // of the ladder alone: what it rests on is another
    this.#verdicts.set(pool, { kind: verdict, at: Date.parse(at), message });
    if (this.#verdicts.size > 256) this.#verdicts.delete(this.#verdicts.keys().next().value!);
  };

  /** As of now; asks the learner for what only it knows when that is due, and goes on with what it said before. */
  read(traffic: Traffic): LiveLearning[] {
    const { learner, nowMs } = this.#view;
    const { pools } = learner;
    if (pools.length === 0) return [];
    if (nowMs() - this.#askedMs >= ASK_MS) {
      this.#askedMs = nowMs();
      void this.#ask();
    }
    return pools.map((pool) => this.#pool(pool, traffic));
  }

  /** What the estimator expects of servers at their present load, milliseconds, as the learner said last; by id. */
  expected(): ReadonlyMap<number, number> {
    const servers = Object.values(this.#said).flatMap(({ servers }) => servers ?? []);
    return new Map(servers.map(({ server_id, expected_ms }) => [server_id, expected_ms]));
  }

  /** By id; of the attempts since the last time that there were some. */
  predictions(): ReadonlyMap<number, PredictedServer> {
    const { predictions } = this.#view.memory;
    const sums = new Map<number, readonly [number, number, number]>();
    for (let at = 0; at < predictions.length; at += PredictionWord.LENGTH) {
      const id = predictions[at + PredictionWord.SERVER];
      if (id === 0) continue;
      const now = [
        predictions[at + PredictionWord.COUNT],
        predictions[at + PredictionWord.PREDICTED_SECONDS],
        predictions[at + PredictionWord.ACTUAL_SECONDS],
      ] as const;
      const before = this.#sums.get(id) ?? [0, 0, 0];
      const grown = now[0] - before[0];
      if (grown < 0) this.#predictions.delete(id);
      if (grown > 0) {
        const mean = (word: 1 | 2): number => rounded(((now[word] - before[word]) / grown) * 1_000);
        this.#predictions.set(id, { predicted: mean(1), actual: mean(2) });
      }
      sums.set(id, now);
    }
    for (const id of this.#predictions.keys()) if (!sums.has(id)) this.#predictions.delete(id);
    this.#sums = sums;
    return this.#predictions;
  }

  async #ask(): Promise<void> {
    try {
      const said = await this.#view.learner.ask({ kind: "describe", pool: null });
      this.#said = (said ?? {}) as Readonly<Record<string, LearnerDescription>>;
    } catch {
      this.#said = {}; // it is not there: the rung says so
    }
  }

  #pool({ name, row, rung, tableAgeMs }: LearnedPool, traffic: Traffic): LiveLearning {
    const learned = this.#view.memory.learned[row];
    const { words } = learned;
    const advantage = advantageOf(learned);
    const verdict = verdictOf(advantage);
    return {
      pool: name,
      rung: RUNG_NAMES[rung],
      rung_reason: this.#said[name]?.rung_reason ?? (rung === Rung.MODEL ? "" : "the learner does not say why"),
      table_age_ms: Number.isFinite(tableAgeMs) ? Math.round(tableAgeMs) : null,
      arms: armsOf(learned, traffic),
      paused: this.#said[name]?.models?.paused ?? false,
      champion: versionIn(words[LearnerWord.CHAMPION_MODEL]),
      canary: versionIn(words[LearnerWord.CANARY_MODEL]),
      advantage,
      verdict,
      sentence: sentenceOf(rung, advantage, verdict),
      last_verdict: this.#verdicts.get(name) ?? null,
    };
  }
}

function armsOf({ figures }: LearnedTable, traffic: Traffic): LiveArm[] {
  const shares = { control: LearnerFigure.CONTROL_SHARE, canary: LearnerFigure.CANARY_SHARE };
  const costs = {
    champion: LearnerFigure.CHAMPION_COST,
    control: LearnerFigure.CONTROL_COST,
    canary: LearnerFigure.CANARY_COST,
  };
  return ARM_NAMES.map((arm, index) => ({
    arm,
    share: arm === "control" || arm === "canary" ? figures[shares[arm]] : null,
    rps: traffic.rate(WorkerCounter.DECISIONS + index),
    cost: arm === "probe" || figures[costs[arm]] === 0 ? null : rounded(figures[costs[arm]]),
  }));
}

/** 0 = none, -1 = a model server's. */
function versionIn(word: number): number | null {
  return word > 0 ? word : null;
}

function advantageOf({ figures }: LearnedTable): LiveLearning["advantage"] {
  const error = figures[LearnerFigure.ADVANTAGE_ERROR];
  if (error === 0) return null;
  const mean = figures[LearnerFigure.ADVANTAGE];
  const margin = NORMAL_95 * error;
  return { mean: rounded(mean), low: rounded(mean - margin), high: rounded(mean + margin) };
}

function verdictOf(advantage: LiveLearning["advantage"]): LiveLearning["verdict"] {
  if (advantage === null) return "unknown";
  if (advantage.low > 0) return "better";
  return advantage.high < 0 ? "worse" : "unclear";
}

/** @param rung the one in force. */
function sentenceOf(rung: number, advantage: LiveLearning["advantage"], verdict: LiveLearning["verdict"]): string {
  const serves = POLICIES[rung];
  const below = POLICIES[rung + 1];
  if (below === undefined) return `${serves} serves: there is no policy below to compare it with`;
  if (advantage === null) return `${serves} serves; too few requests went by ${below} to say which is better`;
  const { mean, low, high } = advantage;
  const bounds = `between ${percent(low)} and ${percent(high)}, with 95 % confidence`;
  if (verdict === "unclear")
    return `${serves} and ${below} do equally well, as far as one can say: what a request saves is ${bounds}`;
  const amount = verdict === "better" ? `${percent(mean)} less` : `${percent(-mean)} more`;
  const shown = verdict === "better" ? bounds : `between ${percent(-high)} and ${percent(-low)}, with 95 % confidence`;
  return `${serves} is ${verdict} than ${below}: a request costs ${amount} (${shown})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
}
