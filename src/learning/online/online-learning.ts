/**
 * Learned balancing as a whole: the store, the model that serves, the judges, samples and trainings. Nothing here is waited
 * for: until the store is open and a model is loaded, and whenever one of them fails, the estimator balances.
 */
import { FileWatch } from "../../shared/file-watch.ts";
import { LearnerCounter, LearnerFigure, type SharedMemory } from "../../shared/layout.ts";
import type { LearnerOrder, LearnerOrderReply, LearnerSettings } from "../../shared/protocol.ts";
import type { LearningStore, Model, Verdict } from "../../storage/learning-store.ts";
import { openLearningStore } from "../../storage/open-store.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import { initialState, type JudgeState } from "../judge/judge.ts";
import { CommandError } from "../judge/lifecycle/command-error.ts";
import { judgeOptions } from "../judge/operator-options.ts";
import type { JudgeOptions } from "../judge/options.ts";
import { modelPaths } from "../models/files/model-files.ts";
import { RemoteModel } from "../models/remote/remote-model.ts";
import type { LearnerCore } from "../serving/learner-core.ts";
import type { PublishedTable, TableHistory } from "../serving/table-history.ts";
import type { RecordedOutcome } from "../serving/worker-rings.ts";
import { AttemptReader } from "./attempt-reader.ts";
import { Candidates } from "./candidates.ts";
import { fileChampion, isolation, storedChampion } from "./champion-source.ts";
import { readJudgeNote } from "./judge-note.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { ModelShelf } from "./model-shelf.ts";
import { ModelStatuses } from "./model-statuses.ts";
import { RandomThinning } from "./random-thinning.ts";
import { Sampler } from "./sampler.ts";
import { STATE_NOTE, Trial } from "./trial.ts";

/** Attempts that judges look at a second: enough for any verdict, and no more work when traffic is heavy. */
const JUDGED_PER_SECOND = 1000;
const TICK_MS = 1000;
/** A champion that could not be had is looked for again after this, milliseconds; later more seldom: some take long to try. */
const CHAMPION_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 600_000;
/** A model that has given no table for so long is shown as unusable: before tables are thought stale. Milliseconds. */
const PATIENCE_MS = 500;
/** The version of a remote model: it has none of ours. */
const REMOTE_VERSION = -1;

/** What learning is made from. */
export interface OnlineLearningOptions {
  readonly settings: LearnerSettings;
  /** Program and arguments before a command of the command line. */
  readonly program: readonly string[];
  readonly memory: SharedMemory;
  readonly core: LearnerCore;
  readonly history: TableHistory;
  readonly log: Logger;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Added to the boot clock it gives milliseconds since the epoch. */
  readonly wallOffsetMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** URL and address of a server. */
  readonly nameOf: (serverId: number) => string | undefined;
  /** Gives up what a model of somebody else's making is being asked: the process ends. */
  readonly signal?: AbortSignal;
}

export class OnlineLearning {
  readonly #options: OnlineLearningOptions;
  readonly #store: LearningStore;
  readonly #shelf: ModelShelf;
  readonly #statuses: ModelStatuses;
  readonly #reader: AttemptReader;
  readonly #sampler: Sampler;
  readonly #thinning: RandomThinning;
  readonly #candidates: Candidates;
  readonly #judge: JudgeOptions;
  readonly #remote: RemoteModel | null;
  readonly #files: FileWatch | null;
  #trial: Trial;
  #tickMs = Number.NEGATIVE_INFINITY;
  #championMs = 0;
  #retryMs = CHAMPION_RETRY_MS;
  #seeking = false;
  /** Files changed at the last look: they are read when they no longer do. */
  #settling = false;
  #cacheHits = 0;
  /** Why the model that should serve does not; `null` = it does. */
  #problem: string | null = null;
  #storeReplaced = false;
  #closed = false;

  private constructor(options: OnlineLearningOptions, store: LearningStore) {
    const { settings, memory, history, log, program, nowMs, wallMs, wallOffsetMs, random, nameOf, signal } = options;
    this.#options = options;
    this.#store = store;
    this.#shelf = new ModelShelf(store, isolation({ log, signal }));
    this.#statuses = new ModelStatuses(store);
    this.#reader = new AttemptReader(memory, history);
    this.#sampler = new Sampler({ random, wallOffsetMs, nameOf });
    this.#thinning = new RandomThinning(JUDGED_PER_SECOND, random);
    const { canaryShare, controlShare, judgeSpeed: speed, modelServer, modelFile, trainIntervalMs } = settings;
    this.#judge = judgeOptions({ canaryShare, controlShare, speed });
    this.#candidates = new Candidates({
      store,
      shelf: this.#shelf,
      statuses: this.#statuses,
      counters: memory.learnerCounters,
      log,
      trainIntervalMs,
      program,
      location: settings.store,
      nowMs,
      wallMs,
    });
    this.#remote = modelServer === null ? null : new RemoteModel({ ...modelServer, nowMs, wallMs });
    this.#files = modelFile === null ? null : new FileWatch(watchedPaths(modelFile));
    this.#trial = this.#newTrial(initialState(null));
  }

  /** Opens the store and puts the first champion in its seat. Never rejects for what is wrong with disk or models. */
  static async open(options: OnlineLearningOptions): Promise<OnlineLearning> {
    const { settings, log, wallMs } = options;
    const { store: location, maxSamples, maxBytes } = settings;
    let opened: OnlineLearning | null = null;
    const { store, problem } = await openLearningStore(location, {
      nowMs: wallMs,
      limits: { maxSamples, maxBytes },
      events: {
        degraded: ({ kind, message }) => log.warn({ problem: kind }, `the store of what is learned: ${message}`),
        recovered: (_problem, lastedMs) =>
          log.info({ lasted_seconds: Math.round(lastedMs / 1000) }, "the store of what is learned works again"),
        movedAside: (path, reason) => {
          log.error({ moved_to: path }, `the store of what is learned is damaged, a new one is begun: ${reason}`);
          if (opened !== null) opened.#storeReplaced = true;
        },
      },
    });
    if (problem !== null) log.warn(`the store of what is learned: ${problem}`);
    opened = new OnlineLearning(options, store);
    await opened.#seekChampion();
    opened.#candidates.addSamples(await store.countSamples().catch(() => 0));
    return opened;
  }

  /** What the operator decided leaves nothing to promote: a file or a model server. */
  get #isPinned(): boolean {
    return this.#remote !== null || this.#files !== null;
  }

  /** An attempt ended; the learner's core has taken it in already. */
  onOutcome(outcome: RecordedOutcome): void {
    this.#trial.onTraffic(outcome.atMs);
    if (!this.#thinning.passes(outcome.atMs)) return;
    const attempt = this.#reader.read(outcome);
    if (attempt === undefined) return;
    this.#trial.observe(attempt);
    if (this.#options.settings.learning) this.#sampler.add(attempt);
  }

  onTable(table: PublishedTable): void {
    this.#reader.onTable(table);
    this.#trial.onTable(table);
  }

  /** Moves time on; call it after each table. */
  tick(): void {
    const nowMs = this.#options.nowMs();
    if (!this.#closed) this.#showModel(nowMs);
    if (this.#closed || nowMs - this.#tickMs < TICK_MS) return;
    this.#tickMs = nowMs;
    this.#trial.tick(nowMs);
    this.#keepSamples();
    this.#lookAtFiles();
    this.#showState();
    if (this.#statuses.waiting > 0) void this.#statuses.write();
    if (this.#storeReplaced) void this.#reinsertChampion();
    if (this.#trial.champion === null && nowMs >= this.#championMs) void this.#seekChampion();
    if (this.#options.settings.learning && !this.#isPinned) this.#candidates.tick(this.#trial, nowMs);
  }

  /** Carries out what an operator orders. Never rejects. */
  async order(order: LearnerOrder, version: number | null): Promise<LearnerOrderReply> {
    try {
      return { done: true, message: await this.#carryOut(order, version ?? 0) };
    } catch (error) {
      return { done: false, message: (error as Error).message };
    }
  }

  /** The newest first. Rejects with a `StoreError`. */
  models(limit: number): Promise<Model[]> {
    return this.#store.models({ limit });
  }

  /** The newest first. Rejects with a `StoreError`. */
  verdicts(limit: number, modelVersion: number | null): Promise<Verdict[]> {
    return this.#store.verdicts({ limit, modelVersion: modelVersion ?? undefined });
  }

  /** For people: where learning is. */
  describe(): object {
    const { settings } = this.#options;
    const { candidate, previous, watching, paused } = this.#trial.status;
    const { durable, problem, rowsWritten, rowsDropped } = this.#store.status();
    return {
      learning: settings.learning && !this.#isPinned,
      source: this.#remote !== null ? "remote" : this.#files !== null ? "file" : "store",
      champion: this.#trial.champion,
      candidate,
      previous,
      watching,
      paused,
      problem: this.#problem,
      trainer_pid: this.#candidates.trainerPid,
      store: { durable, problem: problem?.message ?? null, rows_written: rowsWritten, rows_dropped: rowsDropped },
    };
  }

  /** Ends a training, writes what is left, and gives the store up for others. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#candidates.close();
    this.#keepSamples();
    await this.#trial.save(this.#options.nowMs());
    await this.#store.close();
  }

  async #carryOut(order: LearnerOrder, version: number): Promise<string> {
    const { nowMs } = this.#options;
    if (order === "train") {
      if (this.#isPinned)
        throw new CommandError("the model is chosen by MODEL_PATH or ML_MODEL_ENDPOINT: it is not trained");
      this.#candidates.train(this.#trial);
      return "a training begins";
    }
    if (this.#isPinned && (order === "promote" || order === "rollback")) {
      throw new CommandError("MODEL_PATH or ML_MODEL_ENDPOINT says which model routes: unset it to choose another");
    }
    if (order === "promote") await this.#shelf.load(version);
    const { previous } = this.#trial.status;
    if (order === "rollback" && previous !== null) await this.#shelf.load(previous);
    this.#trial.order(order, version, nowMs());
    const done: Record<typeof order, string> = {
      promote: `model ${version} is the champion`,
      rollback: `model ${this.#trial.champion} serves again`,
      reject: `model ${version} is no candidate any more`,
      pause: "no model moves on by itself until it is resumed",
      resume: "models move on by themselves again",
    };
    return done[order];
  }

  #keepSamples(): void {
    const samples = this.#sampler.take();
    if (samples.length === 0) return;
    this.#store.appendSamples(samples);
    this.#candidates.addSamples(samples.length);
    this.#options.memory.learnerCounters[LearnerCounter.SAMPLES_KEPT] += samples.length;
  }

  /** Soon enough that nobody takes tables that are missing for the fault of this process. */
  #showModel(nowMs: number): void {
    const { core, memory } = this.#options;
    const ageMs = nowMs - memory.learned.figures[LearnerFigure.TABLE_MS];
    const isUsable = this.#problem === null && (core.championProblem === "" || ageMs < PATIENCE_MS);
    memory.learnerCounters[LearnerCounter.MODEL_UNUSABLE] = isUsable && !isShut(this.#remote?.circuit) ? 0 : 1;
  }

  #showState(): void {
    const { learnerCounters: counters } = this.#options.memory;
    counters[LearnerCounter.STORE_DEGRADED] = this.#store.status().problem === null ? 0 : 1;
    const remote = this.#remote?.figures();
    if (remote === undefined) return;
    counters[LearnerCounter.BREAKER_OPEN] = isShut(remote.circuit) ? 1 : 0;
    counters[LearnerCounter.CACHE_HITS] += remote.cacheHits - this.#cacheHits;
    this.#cacheHits = remote.cacheHits;
  }

  /** Finds a champion and begins its trial. Never rejects; without one it is tried again later. */
  async #seekChampion(): Promise<void> {
    if (this.#seeking) return;
    this.#seeking = true;
    const { log, nowMs } = this.#options;
    try {
      const found = await this.#findChampion();
      this.#shelf.add(found);
      this.#trial = this.#newTrial(await this.#startingState(found.version));
      this.#problem = null;
      this.#retryMs = CHAMPION_RETRY_MS;
      log.info({ model_version: found.version }, `the champion is ${this.#nameOf(found.version)}`);
    } catch (error) {
      this.#problem = (error as Error).message;
      log.once("champion", "there is no model to route by; the estimator balances", { why: this.#problem });
    } finally {
      this.#championMs = nowMs() + this.#retryMs;
      this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
      this.#seeking = false;
    }
  }

  async #findChampion(): Promise<LoadedModel> {
    const { settings, log, wallMs, signal } = this.#options;
    if (this.#remote !== null) return { version: REMOTE_VERSION, model: this.#remote, inputs: null, files: null };
    const source = { store: this.#store, log, wallMs, signal };
    return settings.modelFile === null ? storedChampion(source) : fileChampion(settings.modelFile, source);
  }

  /** Where the judges were, if it was with this champion. */
  async #startingState(champion: number): Promise<JudgeState> {
    const kept = readJudgeNote(await this.#store.note(STATE_NOTE).catch(() => null));
    if (kept?.lifecycle.champion !== champion) return initialState(champion);
    const { candidate, watch } = kept.lifecycle;
    for (const version of [candidate?.version, watch?.holdBack]) {
      // What cannot be loaded now is tried again by the trial.
      if (typeof version === "number") await this.#shelf.load(version).catch(() => null);
    }
    return kept;
  }

  #newTrial(state: JudgeState): Trial {
    const { core, memory, log, nowMs, wallOffsetMs } = this.#options;
    return new Trial(
      {
        core,
        reader: this.#reader,
        shelf: this.#shelf,
        store: this.#store,
        statuses: this.#statuses,
        learned: memory.learned,
        counters: memory.learnerCounters,
        fleet: memory.servers,
        log,
        judge: this.#judge,
        wallOffsetMs,
        remoteUnavailable: this.#remote && (() => isShut(this.#remote?.figures().circuit)),
        onChampion: () => this.#candidates.onChampion(),
      },
      state,
      nowMs(),
    );
  }

  /** The file of `MODEL_PATH` was exchanged: the new one takes over, watched like any that was promoted. */
  #lookAtFiles(): void {
    const { modelFile } = this.#options.settings;
    if (this.#files === null || modelFile === null) return;
    if (this.#files.changed()) {
      this.#settling = true;
      this.#retryMs = CHAMPION_RETRY_MS;
      this.#files.watch(watchedPaths(modelFile)); // where the directory came only now, they are others than before
    } else if (this.#settling) {
      this.#settling = false;
      void (this.#trial.champion === null ? this.#seekChampion() : this.#exchange());
    }
  }

  async #exchange(): Promise<void> {
    const { log, nowMs } = this.#options;
    try {
      const found = await this.#findChampion();
      this.#problem = null;
      if (found.version === this.#trial.champion) return;
      this.#shelf.add(found);
      this.#trial.order("promote", found.version, nowMs());
    } catch (error) {
      this.#problem = (error as Error).message;
      log.warn(`${this.#problem}; the model before it stays in service`);
    }
  }

  /** A new store was begun: the champion gets a version there, and what was on trial is forgotten. */
  async #reinsertChampion(): Promise<void> {
    this.#storeReplaced = false;
    const { champion } = this.#trial;
    const loaded = champion === null ? undefined : this.#shelf.get(champion);
    if (loaded?.files == null) return;
    const { nowMs, wallMs } = this.#options;
    try {
      const version = await this.#store.insertModel({
        createdAtMs: wallMs(),
        origin: this.#files === null ? "trained" : "file",
        parentVersion: null,
        status: "champion",
        files: loaded.files,
        report: null,
      });
      this.#shelf.add({ ...loaded, version });
      const { guardrail, lifecycle } = this.#trial.state(nowMs());
      const { paused } = lifecycle;
      this.#trial = this.#newTrial({
        guardrail,
        lifecycle: { champion: version, previous: null, candidate: null, watch: null, paused },
      });
    } catch {
      this.#storeReplaced = true;
    }
  }

  #nameOf(version: number): string {
    if (this.#remote !== null) return "the model server's model";
    return this.#files === null ? `model ${version}` : `model ${version}, of MODEL_PATH`;
  }
}

/** An open circuit, or one that is only being tried. */
function isShut(circuit: string | undefined): boolean {
  return circuit !== undefined && circuit !== "closed";
}

function watchedPaths({ path, scalerPath }: NonNullable<LearnerSettings["modelFile"]>): string[] {
  const { onnx, scaler, features } = modelPaths(path, scalerPath);
  return [onnx, scaler, features];
}
