/**
 * The judges at work: they are told how attempts ended, and what they order is carried out. Each verdict is logged, counted
 * and kept in the store, and so is what the judges must know after a restart.
 */
import type { OrderScope } from "../../../protocol/learner.ts";
import { type LearnedTable, LearnerFigure, Rung } from "../../../shared/memory/layout/learning.ts";
import { Judge, type JudgeState } from "../../judge/judge.ts";
import { CommandError } from "../../judge/lifecycle/command-error.ts";
import type { JudgeOptions } from "../../judge/options.ts";
import type { Verdict } from "../../judge/verdict.ts";
import { estimatorNetwork, NetworkModel } from "../../models/network-model.ts";
import type { LearnerCore } from "../../serving/learner-core.ts";
import type { VersionedModel } from "../../serving/seat.ts";
import { SERVING_DEFAULTS } from "../../serving/serving-defaults.ts";
import type { PublishedTable } from "../../serving/table-history.ts";
import { TableModel } from "../../serving/table-writer.ts";
import type { AttemptReader, ReadAttempt } from "../attempts/attempt-reader.ts";
import { shadowViews } from "../attempts/shadow-views.ts";
import type { ChampionSource } from "../champion/champion-source.ts";
import type { LoadedModel } from "../shelf/loaded-model.ts";
import type { ModelShelf } from "../shelf/model-shelf.ts";
import { Advantage } from "./advantage.ts";
import { ArmCosts } from "./arm-costs.ts";
import { InputWatch } from "./input-watch.ts";
import { VerdictKeeper, type VerdictKeeperOptions } from "./verdict-keeper.ts";

/** Under this name the store keeps the judges' state. */
export const STATE_NOTE = "judge";
/** What counts down in it is written so often, milliseconds. */
const SAVE_MS = 10_000;
/** A model that could not be loaded is tried again after this, milliseconds. */
const RELOAD_MS = 10_000;

/** Where there is no model, features are still made into tables, so that samples can be taken. */
const STAND_IN: VersionedModel = { version: 0, model: new NetworkModel(estimatorNetwork()) };

/** What judging needs. */
export interface JudgingOptions extends VerdictKeeperOptions {
  readonly core: LearnerCore;
  readonly reader: AttemptReader;
  readonly shelf: ModelShelf;
  readonly learned: LearnedTable;
  /** By slot. */
  readonly fleet: { readonly inFlight: ArrayLike<number>; readonly effectiveWeight: ArrayLike<number> };
  readonly judge: JudgeOptions;
  /** Where champions come from. */
  readonly source: ChampionSource;
  /** Told when another model has become the champion. */
  readonly onChampion: (change: ChampionChange) => void;
}

/** Another model serves, and who decided that. */
export interface ChampionChange {
  readonly kind: "promoted" | "rolled_back";
  /** `instance`: an operator, for this instance alone. */
  readonly by: "judge" | "operator" | "instance" | "cluster";
  readonly reason: string;
}

export class Judging {
  readonly #options: JudgingOptions;
  readonly #judge: Judge;
  readonly #inputs: InputWatch;
  readonly #keeper: VerdictKeeper;
  readonly #costs = new ArmCosts();
  readonly #advantage = new Advantage();
  /** Nothing can be older than this: the first table is not late because there was none before. */
  readonly #beganMs: number;
  #rungReason: string;
  /** The candidate in shadow could not make its tables of late. */
  #shadowFails = false;
  #savedMs = Number.NEGATIVE_INFINITY;
  #saved = "";
  #stopped = false;
  /** Who decides while an order is carried out. */
  #by: ChampionChange["by"] = "judge";
  /** By version: when a model that cannot be loaded is tried again. */
  readonly #retryMs = new Map<number, number>();

  constructor(options: JudgingOptions, state: JudgeState, nowMs: number) {
    this.#options = options;
    this.#beganMs = nowMs;
    this.#judge = new Judge(state, nowMs, options.judge);
    this.#inputs = new InputWatch(options.judge.drift);
    this.#keeper = new VerdictKeeper(options);
    const { rung, championVersion } = this.#judge.directive;
    this.#rungReason =
      championVersion === null ? "there is no model" : rung === Rung.MODEL ? "" : "as before the learner's restart";
    this.#apply(nowMs);
  }

  get champion(): number | null {
    return this.#judge.directive.championVersion;
  }

  /** Nothing is ordered from now on: what comes late must not reach whoever has the pool's row next. */
  stop(): void {
    this.#stopped = true;
  }

  /** The judges' own words on where they are. */
  get status(): Judge["status"] {
    return this.#judge.status;
  }

  /** The champion was found worse than the estimator, and has not come back since. */
  get isRefuted(): boolean {
    return this.#judge.isRefuted;
  }

  state(nowMs: number): JudgeState {
    return this.#judge.state(nowMs);
  }

  /** An attempt ended. */
  observe(attempt: ReadAttempt): void {
    const { record, decision, table } = attempt;
    this.#costs.add(record);
    this.#advantage.add(record);
    const wantsViews = this.#judge.shadowVersion !== null && record.arm === "champion" && table !== null;
    this.#judge.observe(record, wantsViews ? this.#viewsOf(decision, table) : undefined);
  }

  /** Any attempt ended, also one that is not judged. */
  onTraffic(nowMs: number): void {
    this.#inputs.onTraffic(nowMs);
  }

  onTable(table: PublishedTable): void {
    if (table.model === TableModel.CHAMPION) this.#inputs.onTable(table, this.#options.fleet.inFlight);
  }

  /** Moves time on; call it about once a second. */
  tick(nowMs: number): void {
    if (this.#stopped) return;
    const { core, learned, source } = this.#options;
    const isRemote = source.kind === "remote";
    const faults = core.takeFaults();
    this.#shadowFails = faults.shadow > 0;
    const verdicts = this.#judge.tick(nowMs, {
      modelReady: this.champion !== null && core.championVersion === this.champion,
      tableAgeMs: nowMs - Math.max(this.#beganMs, learned.figures[LearnerFigure.TABLE_MS]),
      remoteUnavailable: source.isAway,
      remote: isRemote,
      // A server that gave no scores is the circuit breaker's business.
      modelFaults: isRemote ? 0 : faults.champion,
      modelProblem: core.championProblem,
      canaryFaults: faults.canary,
      drift: this.#inputs.finding(nowMs),
    });
    for (const verdict of verdicts) this.#carryOut(verdict);
    this.#apply(nowMs);
    this.#costs.show(learned.figures, nowMs);
    const { rung, championVersion } = this.#judge.directive;
    this.#advantage.show(learned.figures, nowMs, rung === Rung.FLOOR ? null : { rung, model: championVersion });
    if (verdicts.length > 0 || nowMs - this.#savedMs >= SAVE_MS) void this.save(nowMs);
  }

  /** A trained model is to be tried; it is on the shelf. Throws a `CommandError`. */
  propose(version: number, nowMs: number, reason: string): void {
    this.#judge.propose(version, nowMs, reason);
    this.tick(nowMs);
  }

  /** What an operator orders; the model that it is about is on the shelf. Throws a `CommandError`. */
  order(
    order: "promote" | "rollback" | "reject" | "pause" | "resume",
    version: number,
    nowMs: number,
    scope: OrderScope = "cluster",
  ): void {
    if (order === "promote" || order === "reject") this.#judge[order](version, nowMs);
    else this.#judge[order](nowMs);
    const by = scope === "instance" ? "instance" : "operator";
    this.#settle(order === "promote" || order === "rollback" ? by : "judge", nowMs);
  }

  /**
   * What the cluster decided: this model serves from now on, watched as any that was promoted, or in the place of one that turned
   * out bad. It is on the shelf. Throws a `CommandError`.
   */
  adopt(kind: ChampionChange["kind"], version: number, nowMs: number, reason: string): void {
    if (kind === "promoted") this.#judge.promote(version, nowMs, reason);
    else this.#judge.returnTo(version, nowMs, reason);
    this.#settle("cluster", nowMs);
  }

  /** The champion turned out bad at other instances: back to the one before it. Throws a `CommandError` when there is none. */
  withdraw(nowMs: number, reason: string): void {
    const { previous } = this.#judge.status;
    if (previous === null) throw new CommandError("there is no champion before this one to roll back to");
    this.#judge.returnTo(previous, nowMs, reason);
    this.#settle("judge", nowMs);
  }

  /** While it is held no candidate moves on by itself. */
  hold(isHeld: boolean, nowMs: number): void {
    this.#judge.hold(isHeld, nowMs);
  }

  /** Keeps the state where it differs from what is kept. Never rejects: the store says itself what is wrong with it. */
  async save(nowMs: number): Promise<void> {
    this.#savedMs = nowMs;
    const { store, statuses } = this.#options.resources;
    await statuses.write();
    const state = JSON.stringify(this.#judge.state(nowMs));
    if (state === this.#saved) return;
    try {
      await store.setNote(this.#options.pool, STATE_NOTE, JSON.parse(state));
      this.#saved = state;
    } catch {
      // It is tried again at the next tick that saves.
    }
  }

  #viewsOf(decision: ReadAttempt["decision"], table: PublishedTable) {
    const { reader, fleet } = this.#options;
    const shadow = reader.shadowAt(decision.atMs);
    if (shadow === undefined && !this.#shadowFails) return undefined; // its first table is still to come
    if (shadow !== undefined && shadow.modelVersion !== this.#judge.shadowVersion) return undefined;
    return shadowViews(decision, table, shadow ?? null, fleet.effectiveWeight);
  }

  #settle(by: ChampionChange["by"], nowMs: number): void {
    this.#by = by;
    this.#apply(nowMs); // or the guardrail would find the new champion's seat empty
    this.tick(nowMs);
    this.#by = "judge";
  }

  #carryOut(verdict: Verdict): void {
    const { kind, reason, numbers } = verdict;
    this.#keeper.keep(verdict, this.champion);
    if (kind === "promoted" || kind === "rolled_back") this.#options.onChampion({ kind, by: this.#by, reason });
    if (kind === "demoted" || kind === "probation_failed") this.#rungReason = reason;
    if (kind === "recovered") this.#rungReason = numbers.to === Rung.MODEL ? "" : reason;
  }

  /** Brings the seats, the shares and the rung in line with what the judges want. */
  #apply(nowMs: number): void {
    if (this.#stopped) return;
    const { core, shelf, learned, source } = this.#options;
    const { rung, championVersion, canaryVersion, canaryShare, controlShare } = this.#judge.directive;
    const champion = this.#onShelf(championVersion, nowMs);
    const canary = this.#onShelf(canaryVersion, nowMs);
    const shadow = this.#onShelf(this.#judge.shadowVersion, nowMs);
    const fallback = source.kind === "remote" ? Rung.FLOOR : Rung.ESTIMATOR;
    core.setChampion(champion === undefined ? STAND_IN : { ...champion, fallback });
    core.setCanary(canary ?? null);
    core.setShadow(shadow ?? null);
    this.#inputs.watch(champion);
    const { figures } = learned;
    figures[LearnerFigure.CONTROL_SHARE] = controlShare;
    figures[LearnerFigure.CANARY_SHARE] = canary === undefined ? 0 : canaryShare;
    figures[LearnerFigure.SECOND_SHARE] = rung === Rung.MODEL ? SERVING_DEFAULTS.secondShare : 0;
    if (champion === undefined && championVersion !== null) {
      core.order(Math.max(rung, Rung.ESTIMATOR) as Rung, `model ${championVersion} is not loaded`);
    } else core.order(rung, rung === Rung.MODEL ? "" : this.#rungReason);
    const { candidate, previous } = this.#judge.status;
    shelf.keep(new Set([championVersion, canaryVersion, previous, candidate?.version ?? null]));
  }

  /** The model; where it is not loaded, that is begun. */
  #onShelf(version: number | null, nowMs: number): LoadedModel | undefined {
    if (version === null) return undefined;
    const { shelf, log } = this.#options;
    const there = shelf.get(version);
    if (there !== undefined || nowMs < (this.#retryMs.get(version) ?? 0)) return there;
    this.#retryMs.set(version, nowMs + RELOAD_MS);
    shelf.load(version).catch((error: Error) => log.error({ model_version: version }, `${error.message}`));
    return undefined;
  }
}
