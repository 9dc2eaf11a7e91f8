/**
 * How one pool goes on learning: the model that serves, the judges, samples and trainings. Nothing here is waited for: until a
 * model is loaded, and whenever something fails, the estimator balances.
 */

import type {
  LearnerOrder,
  LearnerOrderReply,
  LearnerPool,
  LearnerSettings,
  OrderScope,
} from "../../protocol/learner.ts";
import type { LearningState } from "../../shared/explanation/learned.ts";
import { LearnerCounter, LearnerFigure } from "../../shared/memory/layout/learning.ts";
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { SharedModel } from "../cluster/model/shared-model.ts";
import { initialState, type JudgeState } from "../judge/judge.ts";
import { CommandError } from "../judge/lifecycle/command-error.ts";
import { judgeOptions } from "../judge/operator-options.ts";
import type { JudgeOptions } from "../judge/options.ts";
import type { LearnerCore } from "../serving/learner-core.ts";
import type { PoolGauges } from "../serving/pool-gauges.ts";
import type { PublishedTable, TableHistory } from "../serving/table-history.ts";
import type { RecordedOutcome } from "../serving/worker-rings.ts";
import { AttemptReader } from "./attempts/attempt-reader.ts";
import { PredictedLatency } from "./attempts/predicted-latency.ts";
import { RandomThinning } from "./attempts/random-thinning.ts";
import { LEAST_PER_SECOND, SAMPLES_PER_SECOND, Sampler, sampledAttempt } from "./attempts/sampler.ts";
import { ChampionSearch } from "./champion/champion-search.ts";
import { type ChampionSource, championSource } from "./champion/champion-source.ts";
import { isolation } from "./champion/find-champion.ts";
import { readJudgeNote } from "./judging/judge-note.ts";
import { Judging, STATE_NOTE } from "./judging/judging.ts";
import type { Resources } from "./resources.ts";
import { type ModelCluster, shareModel } from "./sharing/share-model.ts";
import type { LoadedModel } from "./shelf/loaded-model.ts";
import { ModelShelf } from "./shelf/model-shelf.ts";
import { Candidates } from "./training/candidates.ts";

/** Attempts that judges look at a second, of all pools: enough for any verdict, and no more work when traffic is heavy. */
const JUDGED_PER_SECOND = 1000;
/** And of each pool, however many there are. */
const LEAST_JUDGED_PER_SECOND = 50;
const TICK_MS = 1000;
/** A model that has given no table for so long is shown as unusable: before tables are thought stale. Milliseconds. */
const PATIENCE_MS = 500;

/** A pool that had samples so lately has traffic, milliseconds. */
const BUSY_MS = 60_000;

/** What learning is made from. */
export interface OnlineLearningOptions {
  readonly pool: LearnerPool;
  readonly gauges: PoolGauges;
  /** The pool's part of what the process may do, 0 … 1. */
  readonly part: () => number;
  readonly settings: LearnerSettings;
  readonly resources: Resources;
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
  /** With whom the model is shared. Default: with nobody. */
  readonly cluster?: ModelCluster | null;
}

export class OnlineLearning {
  readonly #options: OnlineLearningOptions;
  readonly #shelf: ModelShelf;
  readonly #reader: AttemptReader;
  readonly #latency: PredictedLatency;
  readonly #sampler: Sampler;
  readonly #thinning: RandomThinning;
  readonly #candidates: Candidates;
  readonly #judge: JudgeOptions;
  readonly #source: ChampionSource;
  readonly #search: ChampionSearch;
  /** With other instances; `null` = the pool's model is this instance's own. */
  #shared: SharedModel | null = null;
  #judging: Judging;
  #tickMs = Number.NEGATIVE_INFINITY;
  /** The champion is to be put into a new store. */
  #isForgotten = false;
  /** New stores that were begun, at the last look. */
  #replacements: number;
  /** When samples were last kept. */
  #sampledMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(options: OnlineLearningOptions) {
    const { pool, gauges, part, settings, resources, memory, history, log, program, signal } = options;
    const { nowMs, wallMs, wallOffsetMs, random, nameOf } = options;
    this.#options = options;
    this.#shelf = new ModelShelf(resources.store, isolation({ log, signal }));
    this.#reader = new AttemptReader(memory, history);
    this.#latency = new PredictedLatency(memory.predictions);
    const perSecond = () => Math.max(LEAST_PER_SECOND, SAMPLES_PER_SECOND * part());
    this.#sampler = new Sampler({ pool: pool.name, perSecond, random, wallOffsetMs, nameOf });
    this.#thinning = new RandomThinning(() => Math.max(LEAST_JUDGED_PER_SECOND, JUDGED_PER_SECOND * part()), random);
    const { canaryShare, controlShare, judgeSpeed: speed, trainIntervalMs } = settings;
    this.#judge = judgeOptions({ canaryShare, controlShare, speed });
    this.#candidates = new Candidates({
      pool: pool.name,
      gauges,
      resources,
      shelf: this.#shelf,
      counters: memory.learnerCounters,
      log,
      trainIntervalMs,
      program,
      location: settings.store,
      nowMs,
      wallMs,
    });
    this.#source = championSource({ pool: pool.name, settings, store: resources.store, log, nowMs, wallMs, signal });
    this.#search = new ChampionSearch(this.#source, pool.name, log, nowMs);
    this.#judging = this.#judgingFrom(initialState(null));
    this.#replacements = resources.replacements;
  }

  /** Puts the first champion in its seat. Never rejects for what is wrong with disk or models. */
  static async begin(options: OnlineLearningOptions): Promise<OnlineLearning> {
    const learning = new OnlineLearning(options);
    await learning.#share();
    await learning.#fillSeat();
    learning.#candidates.addSamples(await options.resources.store.countSamples(options.pool.name).catch(() => 0));
    return learning;
  }

  /** What the operator decided leaves nothing to promote: a file or a model server. */
  get #isPinned(): boolean {
    return this.#source.kind !== "store";
  }

  /** An attempt ended; the learner's core has taken it in already. */
  onOutcome(outcome: RecordedOutcome): void {
    this.#judging.onTraffic(outcome.atMs);
    if (!this.#thinning.passes(outcome.atMs)) return;
    const attempt = this.#reader.read(outcome);
    if (attempt === undefined) return;
    this.#judging.observe(attempt);
    this.#latency.add(attempt);
    const sampled = this.#options.settings.learning ? sampledAttempt(attempt) : null;
    if (sampled !== null) this.#sampler.add(sampled);
  }

  onTable(table: PublishedTable): void {
    this.#reader.onTable(table);
    this.#judging.onTable(table);
  }

  /** Moves time on; call it after each table. */
  tick(): void {
    const { settings, resources, nowMs: now } = this.#options;
    const nowMs = now();
    if (!this.#closed) this.#showModel(nowMs);
    if (this.#closed || nowMs - this.#tickMs < TICK_MS) return;
    this.#tickMs = nowMs;
    this.#shared?.tick();
    this.#judging.hold(!this.#mayTrain, nowMs);
    this.#judging.tick(nowMs);
    this.#keepSamples();
    if (this.#source.hasChanged()) this.#onExchange();
    this.#showState();
    if (resources.statuses.waiting > 0) void resources.statuses.write();
    if (resources.replacements !== this.#replacements) this.#isForgotten = true;
    this.#replacements = resources.replacements;
    if (this.#isForgotten) void this.#reinsertChampion();
    if (this.#judging.champion === null && this.#search.isDue(nowMs)) void this.#fillSeat();
    if (settings.learning && !this.#isPinned) this.#candidates.tick(this.#judging, nowMs, this.#mayTrain);
  }

  /** Carries out what an operator orders. Never rejects. */
  async order(order: LearnerOrder, version: number | null, scope: OrderScope = "cluster"): Promise<LearnerOrderReply> {
    try {
      return { done: true, message: await this.#carryOut(order, version ?? 0, scope) };
    } catch (error) {
      return { done: false, message: (error as Error).message };
    }
  }

  /** For people: where learning is. */
  describe(): LearningState {
    const { settings, resources } = this.#options;
    const { candidate, previous, watching, paused } = this.#judging.status;
    const { champion } = this.#judging;
    const { durable, problem, rowsWritten, rowsDropped } = resources.store.status();
    return {
      learning: settings.learning && !this.#isPinned,
      source: this.#source.kind,
      champion,
      fingerprint: (champion === null ? undefined : this.#shelf.get(champion))?.fingerprint ?? null,
      candidate,
      previous,
      watching,
      paused,
      problem: this.#search.problem,
      trainer_pid: this.#candidates.trainerPid,
      store: { durable, problem: problem?.message ?? null, rows_written: rowsWritten, rows_dropped: rowsDropped },
      cluster: this.#shared?.describe() ?? null,
    };
  }

  /** Ends a training, and hands what is left to the store. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#candidates.close();
    const left = this.#shared?.close();
    this.#keepSamples();
    const saved = this.#judging.save(this.#options.nowMs());
    this.#judging.stop();
    await Promise.all([saved, left]);
    this.#shelf.keep(new Set());
  }

  async #carryOut(order: LearnerOrder, version: number, scope: OrderScope): Promise<string> {
    const { nowMs } = this.#options;
    if (order === "train") {
      if (this.#isPinned)
        throw new CommandError("the model is chosen by MODEL_PATH or ML_MODEL_ENDPOINT: it is not trained");
      if (!this.#mayTrain) throw new CommandError(this.#shared!.whyNot);
      this.#candidates.train(this.#judging);
      return "a training begins";
    }
    if (this.#isPinned && (order === "promote" || order === "rollback")) {
      throw new CommandError("MODEL_PATH or ML_MODEL_ENDPOINT says which model routes: unset it to choose another");
    }
    if (order === "promote") await this.#load(version);
    const { previous } = this.#judging.status;
    if (order === "rollback" && previous !== null) await this.#shelf.load(previous);
    this.#judging.order(order, version, nowMs(), scope);
    const forAll =
      this.#shared === null
        ? ""
        : scope === "instance"
          ? ", at this instance alone"
          : ", and soon at the other instances of the cluster";
    const done: Record<typeof order, string> = {
      promote: `model ${version} is the champion${forAll}`,
      rollback: `model ${this.#judging.champion} serves again${forAll}`,
      reject: `model ${version} is no candidate any more`,
      pause: "no model moves on by itself until it is resumed",
      resume: "models move on by themselves again",
    };
    return done[order];
  }

  /** Models move on here by themselves: of instances that share them one does that. */
  get #mayTrain(): boolean {
    return this.#shared === null || this.#shared.mayTrain;
  }

  /** Begins to share the pool's model, where there is one to share. Never rejects. */
  async #share(): Promise<void> {
    const { cluster = null, pool, settings, resources, log, signal, nowMs, wallMs, memory, gauges } = this.#options;
    if (cluster === null || !settings.learning || this.#isPinned) return;
    this.#shared = await shareModel({
      cluster,
      pool: pool.name,
      store: resources.store,
      shelf: this.#shelf,
      isolation: isolation({ log, signal }),
      isBusy: () => nowMs() - this.#sampledMs < BUSY_MS,
      judging: () => this.#judging,
      counters: memory.learnerCounters,
      gauges,
      log,
      nowMs,
      wallMs,
    });
  }

  /** A model of this pool's, to be promoted: what another has learned is of its own servers. */
  async #load(version: number): Promise<void> {
    const { pool, resources } = this.#options;
    const model = await resources.store.model(version);
    if (model !== null && model.pool !== pool.name)
      throw new CommandError(`model ${version} is of the pool ${model.pool}, not of ${pool.name}`);
    await this.#shelf.load(version);
  }

  #keepSamples(): void {
    const { resources, memory, nowMs } = this.#options;
    const samples = this.#sampler.take();
    if (samples.length === 0) return;
    this.#sampledMs = nowMs();
    resources.store.appendSamples(samples);
    this.#candidates.addSamples(samples.length);
    memory.learnerCounters[LearnerCounter.SAMPLES_KEPT] += samples.length;
  }

  /** Soon enough that nobody takes tables that are missing for the fault of this process. */
  #showModel(nowMs: number): void {
    const { core, gauges, memory, pool } = this.#options;
    const ageMs = nowMs - memory.learned[pool.row].figures[LearnerFigure.TABLE_MS];
    const isUsable = this.#search.problem === null && (core.championProblem === "" || ageMs < PATIENCE_MS);
    gauges.set(LearnerCounter.MODEL_UNUSABLE, !isUsable || this.#source.isAway);
  }

  #showState(): void {
    const { resources, gauges, memory } = this.#options;
    gauges.set(LearnerCounter.STORE_DEGRADED, resources.store.status().problem !== null);
    this.#source.show(memory.learnerCounters, gauges);
  }

  /** Finds a champion and begins to judge it. Never rejects; without one it is tried again later. */
  #fillSeat(): Promise<void> {
    return this.#search.fill(async (found) => {
      this.#shelf.add(found);
      const state = await this.#startingState(found.version);
      if (!this.#closed) this.#judging = this.#judgingFrom(state);
    });
  }

  /** What the operator named was exchanged: the new model takes over, watched like any that was promoted. */
  #onExchange(): void {
    this.#search.hurry();
    void (this.#judging.champion === null ? this.#fillSeat() : this.#search.exchange((found) => this.#promote(found)));
  }

  #promote(found: LoadedModel): void {
    if (found.version === this.#judging.champion) return;
    this.#shelf.add(found);
    this.#judging.order("promote", found.version, this.#options.nowMs());
  }

  /** Where the judges were, if it was with this champion. */
  async #startingState(champion: number): Promise<JudgeState> {
    const { pool, resources } = this.#options;
    const kept = readJudgeNote(await resources.store.note(pool.name, STATE_NOTE).catch(() => null));
    if (kept?.lifecycle.champion !== champion) return initialState(champion);
    const { candidate, watch } = kept.lifecycle;
    for (const version of [candidate?.version, watch?.holdBack]) {
      // What cannot be loaded now is tried again by who judges.
      if (typeof version === "number") await this.#shelf.load(version).catch(() => null);
    }
    return kept;
  }

  #judgingFrom(state: JudgeState): Judging {
    const { pool, core, memory, resources, log, nowMs, wallOffsetMs } = this.#options;
    return new Judging(
      {
        pool: pool.name,
        core,
        reader: this.#reader,
        resources,
        shelf: this.#shelf,
        learned: memory.learned[pool.row],
        counters: memory.learnerCounters,
        fleet: memory.servers,
        log,
        judge: this.#judge,
        wallOffsetMs,
        source: this.#source,
        onChampion: ({ kind, by, reason }) => {
          this.#candidates.onChampion();
          this.#shared?.onChampion(kind, by, reason);
        },
      },
      state,
      nowMs(),
    );
  }

  /** A new store was begun: the champion gets a version there, and what was on trial is forgotten. */
  async #reinsertChampion(): Promise<void> {
    this.#isForgotten = false;
    const { resources, nowMs, wallMs } = this.#options;
    const { champion } = this.#judging;
    const loaded = champion === null ? undefined : this.#shelf.get(champion);
    if (loaded?.files == null) return;
    try {
      const version = await resources.store.insertModel({
        pool: this.#options.pool.name,
        createdAtMs: wallMs(),
        origin: this.#source.kind === "file" ? "file" : "trained",
        parentVersion: null,
        status: "champion",
        files: loaded.files,
        report: null,
      });
      if (this.#closed) return;
      this.#shelf.add({ ...loaded, version });
      this.#shared?.onRenumbered(champion!, version);
      const { guardrail, lifecycle } = this.#judging.state(nowMs());
      const { paused } = lifecycle;
      this.#judging = this.#judgingFrom({
        guardrail,
        lifecycle: { champion: version, previous: null, candidate: null, watch: null, paused },
      });
    } catch {
      this.#isForgotten = true;
    }
  }
}
