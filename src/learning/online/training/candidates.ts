/** Where candidates come from: trained in the background, or left in the store by somebody else. One is tried at a time. */
import { LearnerCounter, TRAINING_RESULTS } from "../../../shared/memory/layout/learning.ts";
import type { StoreLocation } from "../../../storage/backends.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import { CommandError } from "../../judge/lifecycle/command-error.ts";
import type { PoolGauges } from "../../serving/pool-gauges.ts";
import type { Judging } from "../judging/judging.ts";
import type { Resources } from "../resources.ts";
import type { ModelShelf } from "../shelf/model-shelf.ts";
import { TrainerProcess, type Training } from "./trainer-process.ts";
import { TrainingSchedule } from "./training-schedule.ts";

/** How often the store is looked at for candidates that others left, milliseconds. */
const LOOK_MS = 5_000;
/** The newest models that are looked through. */
const LOOKED_THROUGH = 20;

/** What is needed to find candidates. Times of the boot clock, milliseconds. */
export interface CandidatesOptions {
  /** Name of the pool that they are for. */
  readonly pool: string;
  readonly resources: Resources;
  readonly gauges: PoolGauges;
  readonly shelf: ModelShelf;
  readonly counters: Float64Array;
  readonly log: Logger;
  readonly trainIntervalMs: number;
  readonly program: readonly string[];
  /** Where a training finds the store. */
  readonly location: StoreLocation;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
}

export class Candidates {
  readonly #options: CandidatesOptions;
  readonly #schedule: TrainingSchedule;
  #trainer: TrainerProcess | null = null;
  #preparing = false;
  #looking = false;
  #lookMs = Number.NEGATIVE_INFINITY;
  #trainings = 0;
  #closed = false;

  constructor(options: CandidatesOptions) {
    this.#options = options;
    this.#schedule = new TrainingSchedule(options.trainIntervalMs);
  }

  /** Process id of the training that runs; `null` = none does. */
  get trainerPid(): number | null {
    return this.#trainer?.pid ?? null;
  }

  /** Further samples were handed to the store. */
  addSamples(count: number): void {
    this.#schedule.add(count);
  }

  /** Another champion serves. */
  onChampion(): void {
    this.#schedule.restart();
  }

  /**
   * Moves time on; call it about once a second.
   * @param judging who judges; nothing is proposed or trained while it is busy.
   * @param mayTrain nothing is, while another instance does it for all.
   */
  tick(judging: Judging, nowMs: number, mayTrain = true): void {
    const { candidate, paused } = judging.status;
    const { turns } = this.#options.resources;
    if (candidate !== null || judging.champion === null || !mayTrain) {
      turns.withdraw(this);
      return;
    }
    if (nowMs >= this.#lookMs) {
      this.#lookMs = nowMs + LOOK_MS;
      void this.#look(judging);
    }
    if (this.#trainer !== null || this.#preparing) return;
    if (paused || !this.#canTrain || !this.#schedule.due(nowMs)) turns.withdraw(this);
    else if (turns.take(this)) void this.#train(nowMs);
  }

  /**
   * A training begins at the next tick at which no other pool's runs, whatever samples there are. Throws a `CommandError`
   * when it cannot.
   */
  train(judging: Judging): void {
    const { candidate, paused } = judging.status;
    if (!this.#canTrain)
      throw new CommandError("the store is in memory, where no training finds it: see its problem in the log");
    if (this.#trainer !== null || this.#preparing) throw new CommandError("a training is running");
    if (candidate !== null)
      throw new CommandError(`model ${candidate.version} is the candidate; train when it is decided`);
    if (paused) throw new CommandError("paused: resume first");
    this.#schedule.ask();
  }

  /** Ends a training that runs. */
  close(): void {
    this.#closed = true;
    this.#options.resources.turns.withdraw(this);
    this.#trainer?.kill();
  }

  get #canTrain(): boolean {
    return this.#options.resources.store.status().durable;
  }

  async #train(nowMs: number): Promise<void> {
    const { pool, resources, gauges, counters, log, program, location } = this.#options;
    this.#schedule.begin(nowMs);
    this.#preparing = true;
    let training: Training;
    try {
      await resources.store.flush();
      if (this.#closed) throw new Error("it was not begun: the pool is gone, or the learner ends");
      this.#trainer = new TrainerProcess({ program, pool, location, seed: ++this.#trainings });
      gauges.set(LearnerCounter.TRAINING, true);
      log.info({ trainer_pid: this.#trainer.pid }, "training a model on the samples of the store");
      training = await this.#trainer.ended();
    } catch (error) {
      training = { result: "failed", version: null, sentence: (error as Error).message };
    }
    this.#trainer = null;
    this.#preparing = false;
    gauges.set(LearnerCounter.TRAINING, false);
    resources.turns.end(this);
    if (this.#closed) return; // nobody wants to know any more
    counters[LearnerCounter.TRAININGS + TRAINING_RESULTS.indexOf(training.result)]++;
    this.#schedule.end(training.result);
    this.#lookMs = Number.NEGATIVE_INFINITY;
    const { result, version, sentence } = training;
    const fields = { result, model_version: version, seconds: Math.round(this.#options.nowMs() - nowMs) / 1000 };
    log[result === "failed" ? "warn" : "info"](fields, `training ended: ${sentence}`);
  }

  /** Proposes the newest candidate of the store; older ones that nobody tried are out of date. Never rejects. */
  async #look(judging: Judging): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { pool, resources, shelf, nowMs, log } = this.#options;
    const { store } = resources;
    try {
      const found = (await store.models({ pool, limit: LOOKED_THROUGH })).filter(
        ({ status }) => status === "candidate",
      );
      const [newest, ...older] = found;
      for (const { version } of older) this.#reject(version, `model ${newest.version} is newer`);
      if (newest === undefined) return;
      try {
        const { model } = await shelf.load(newest.version);
        if (model.outputKind !== "log_relative_cost")
          throw new Error("its scores are no costs, so they cannot be compared");
      } catch (error) {
        this.#reject(newest.version, `it cannot be used: ${(error as Error).message}`);
        return;
      }
      if (this.#closed || judging.status.candidate !== null || judging.champion === newest.version) return;
      const from = newest.parentVersion === null ? "on the samples of the store" : `from model ${newest.parentVersion}`;
      judging.propose(newest.version, nowMs(), `trained ${from}`);
    } catch (error) {
      log.once(`candidates of ${pool}`, "candidates cannot be looked for", { why: (error as Error).message });
    } finally {
      this.#looking = false;
    }
  }

  #reject(version: number, reason: string): void {
    const { pool, resources, log, wallMs } = this.#options;
    const { statuses } = resources;
    const atMs = wallMs();
    statuses.set(version, "rejected", atMs);
    void statuses.write();
    resources.appendVerdict({ pool, atMs, modelVersion: version, kind: "rejected", reason, numbers: {} });
    log.warn({ verdict: "rejected", model_version: version }, `rejected: ${reason}`);
  }
}
