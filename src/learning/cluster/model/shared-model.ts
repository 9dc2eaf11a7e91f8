/**
 * One pool's model, as instances share it: one of them trains, all use what it promoted. Nothing here is waited for by requests, and
 * each instance's judges go on guarding: what turns out worse here is not used here. Without Redis each goes on with what it has.
 */
import type { ClusterModelState } from "../../../shared/explanation/learned.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import { LeaseWatch } from "./lease-watch.ts";
import type { ModelHolder } from "./model-holder.ts";
import { BadModelError, type ModelRegistry, RegistryError, type RoundHeard } from "./model-registry.ts";
import { MOST_REFUSED, type SharedModelNote } from "./note.ts";
import { checksumOf, encodeModel, type ModelSource } from "./published-model.ts";

/** How long things take, milliseconds. */
export interface SharingTimes {
  readonly roundMs: number;
  readonly leaseMs: number;
  /** Without Redis for so long an instance learns for itself. */
  readonly aloneMs: number;
}

/** What the product does. A lease outlives the standstills of a machine that has too much to do. */
export const SHARING_TIMES: SharingTimes = { roundMs: 2_000, leaseMs: 12_000, aloneMs: 300_000 };

/** What it is made from. */
export interface SharedModelOptions {
  readonly registry: ModelRegistry;
  readonly instance: { readonly id: string; readonly name: string };
  readonly holder: ModelHolder;
  readonly kept: SharedModelNote;
  readonly log: Pick<Logger, "debug" | "info" | "warn">;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  readonly times?: SharingTimes;
  /** Counts: a model of others was taken, one was published, one could not be used. */
  readonly count?: (what: "adopted" | "published" | "unusable") => void;
  /** Told at each tick: this instance trains for all; Redis is away. */
  readonly show?: (what: "leading" | "away", on: boolean) => void;
}

/** A change of the champion here that the others are to be told of. */
type Pending = Pick<ModelSource, "kind" | "reason" | "replaces">;

export class SharedModel {
  readonly #options: SharedModelOptions;
  readonly #times: SharingTimes;
  readonly #lease: LeaseWatch;
  #note: SharedModelNote;
  #heard: RoundHeard | null = null;
  #heardMs: number;
  /** When Redis was first heard. */
  #firstMs: number | null = null;
  #away: string | null = null;
  /** That was worth a line of its own. */
  #isSaid = false;
  #dueMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | null = null;
  #pending: Pending | null = null;
  /** Why what is published is not used here. */
  #problem: string | null = null;
  #closed = false;

  constructor(options: SharedModelOptions) {
    this.#options = options;
    this.#times = options.times ?? SHARING_TIMES;
    this.#lease = new LeaseWatch(options.instance.id, this.#times.leaseMs);
    this.#note = options.kept;
    this.#heardMs = options.nowMs();
  }

  /** Whether models may be trained and moved on here now. */
  get mayTrain(): boolean {
    const nowMs = this.#options.nowMs();
    return this.#lease.isHeld(nowMs) || this.#isAlone(nowMs);
  }

  /** Why they may not, for whoever orders it. */
  get whyNot(): string {
    const lease = this.#heard?.lease ?? null;
    if (this.#away !== null) return `Redis does not answer (${this.#away}), and another instance may be training`;
    if (lease === null || lease.id === this.#options.instance.id)
      return "it is not settled yet which instance of the cluster trains";
    return `instance ${lease.name} trains for the cluster: order it there`;
  }

  /** Another model serves here. */
  onChampion(kind: ModelSource["kind"], by: "judge" | "operator" | "cluster", reason: string): void {
    if (by === "cluster") return;
    const { taken } = this.#note;
    const wasTaken = this.#pending === null && !this.#note.strayed;
    this.#dueMs = Number.NEGATIVE_INFINITY;
    if (taken !== null && taken.version === this.#options.holder.champion) {
      // Back to what is published: there is nothing to tell any more.
      this.#pending = null;
      this.#change({ ordered: false, strayed: false });
      return;
    }
    const replaces = kind === "rolled_back" && wasTaken ? taken?.checksum : undefined;
    if (replaces !== undefined) this.#refuse(replaces);
    const isOrder = by === "operator";
    if (isOrder || this.#lease.isHeld(this.#options.nowMs())) this.#pending = { kind, reason, replaces };
    if (isOrder || kind === "promoted")
      this.#change({ ordered: isOrder || this.#note.ordered, strayed: kind === "promoted" });
  }

  /** The store was begun anew: a model has another version there. */
  onRenumbered(from: number, to: number): void {
    const { taken } = this.#note;
    if (taken?.version === from) this.#change({ taken: { ...taken, version: to } });
  }

  /** Moves time on; call it about once a second. */
  tick(): void {
    const { nowMs: now, show } = this.#options;
    const nowMs = now();
    show?.("leading", this.#lease.isHeld(nowMs));
    show?.("away", this.#away !== null);
    if (this.#closed || this.#running !== null || nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + this.#times.roundMs;
    this.#running = this.#round(nowMs).finally(() => {
      this.#running = null;
    });
  }

  /** For people. */
  describe(): ClusterModelState {
    const { nowMs: now, holder } = this.#options;
    const nowMs = now();
    const { lease = null, instances = 0, current = 0, steppedDown = 0, model = null } = this.#heard ?? {};
    const { taken } = this.#note;
    return {
      leading: this.#lease.isHeld(nowMs),
      leader: lease === null ? null : { id: lease.id, name: lease.name, since: new Date(lease.sinceMs).toISOString() },
      token: lease?.token ?? null,
      revision: model?.revision ?? null,
      own_revision: taken?.revision ?? null,
      follows:
        taken !== null && holder.champion === taken.version && taken.revision === (model?.revision ?? taken.revision),
      source:
        taken === null
          ? null
          : {
              kind: taken.source.kind,
              by: taken.source.by,
              instance: taken.source.instance,
              at: new Date(taken.source.atMs).toISOString(),
              reason: taken.source.reason,
            },
      problem: this.#problem,
      instances,
      current,
      stepped_down: steppedDown,
      heard_ms_ago: this.#firstMs === null ? null : Math.round(nowMs - this.#heardMs),
      away: this.#away,
      alone: this.#isAlone(nowMs),
    };
  }

  /** Gives up the lease. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#lease.lose();
    // Who does not answer forgets it by itself.
    if (this.#away === null && this.#firstMs !== null) await this.#options.registry.leave().catch(() => {});
  }

  #isAlone(nowMs: number): boolean {
    return nowMs - this.#heardMs >= this.#times.aloneMs;
  }

  /** What was published does not route here, because the judges went back from it, or it cannot be used. */
  get #hasSteppedDown(): boolean {
    const { holder } = this.#options;
    const { taken } = this.#note;
    if (taken === null || this.#pending !== null || this.#note.strayed) return false;
    return holder.champion !== taken.version || holder.isRefuted;
  }

  /** Never rejects. */
  async #round(nowMs: number): Promise<void> {
    const { registry, holder, log } = this.#options;
    if (holder.champion === null) return;
    try {
      const heard = await registry.round({
        wants: this.#wantsLease(nowMs),
        token: this.#lease.token,
        silent: this.#lease.silentToken(nowMs),
        floor: this.#note.floor,
        revision: this.#note.taken?.revision ?? 0,
        steppedDown: this.#hasSteppedDown,
        busy: holder.isBusy,
      });
      this.#take(heard, nowMs);
      if (this.#closed) return;
      await this.#settle(heard);
      if (this.#away !== null) log[this.#isSaid ? "info" : "debug"]({}, "Redis answers again: the model is shared");
      this.#away = null;
      this.#isSaid = false;
    } catch (error) {
      const why = (error as Error).message;
      if (!(error instanceof RegistryError)) {
        if (this.#problem !== why) log.warn({ error: why }, "the model of the cluster cannot be taken or given now");
        this.#problem = why;
        return;
      }
      // That Redis does not answer is said for the whole instance, by the supervisor.
      const isToSay = error.isOurs && !this.#isSaid;
      if (isToSay || this.#away === null) {
        log[isToSay ? "warn" : "debug"](
          { error: why },
          "the model is not shared: this instance goes on with what it has",
        );
      }
      this.#isSaid ||= isToSay;
      this.#away = why;
    }
  }

  /** Who has no traffic leaves it to those that have; those whose model every instance has wait for those that have learned something. */
  #wantsLease(nowMs: number): boolean {
    const { holder } = this.#options;
    if (holder.isPaused || !holder.canLead) return false;
    const heard = this.#heard;
    if (!holder.isBusy && (heard === null || heard.busy > 0)) return false;
    if (!holder.isShipped || (heard !== null && (heard.model !== null || heard.instances === 1))) return true;
    return this.#firstMs !== null && nowMs - this.#firstMs >= this.#times.leaseMs;
  }

  #take(heard: RoundHeard, sentMs: number): void {
    const { instance, log, nowMs } = this.#options;
    const before = this.#heard?.lease ?? null;
    this.#heard = heard;
    this.#heardMs = nowMs();
    this.#firstMs ??= this.#heardMs;
    this.#lease.hear(heard.lease, sentMs, this.#heardMs);
    if (heard.number > this.#note.floor) this.#change({ floor: heard.number });
    if (heard.lease?.token === before?.token) return;
    const fields = { leader: heard.lease?.name ?? null, token: heard.lease?.token ?? null };
    if (heard.lease?.id === instance.id) log.info(fields, "this instance trains for the cluster");
    else if (heard.lease !== null) log.info(fields, `instance ${heard.lease.name} trains for the cluster`);
  }

  /** Brings what is published and what routes here together. */
  async #settle(heard: RoundHeard): Promise<void> {
    const { holder, instance, nowMs } = this.#options;
    const { model } = heard;
    const leads = this.#lease.isHeld(nowMs());
    if (this.#note.ordered) return this.#publish("order", this.#pending ?? { kind: "promoted", reason: "by command" });
    const { taken } = this.#note;
    const published = model?.revision ?? 0;
    if (taken !== null && published < taken.revision) return this.#restore(taken);
    // Somebody has what Redis has forgotten: whatever comes now comes after that.
    if (heard.known > Math.max(published, taken?.revision ?? 0)) return undefined;
    if (this.#pending !== null && leads) return this.#publish("lead", this.#pending);
    if (this.#pending !== null && heard.lease !== null && heard.lease.id !== instance.id) this.#giveUpPending();
    const isLost = this.#note.strayed && this.#pending === null;
    if (model !== null && (published > (taken?.revision ?? 0) || isLost)) return this.#follow(model);
    if (model === null && leads && this.#isFirst(heard)) {
      return this.#publish("lead", { kind: "promoted", reason: "the first of the cluster" });
    }
    if (
      leads &&
      heard.steppedDown >= 2 &&
      heard.steppedDown * 2 > heard.current &&
      taken?.version === holder.champion
    ) {
      const reason = `${heard.steppedDown} of ${heard.current} instances stepped down from it`;
      if (!holder.withdraw(reason)) this.#problem = `${reason}, and there is none before it to go back to`;
    }
  }

  /** Nobody has a model that Redis has merely forgotten: those who do have had the time to say so. */
  #isFirst({ known }: RoundHeard): boolean {
    const { nowMs } = this.#options;
    return known === 0 && this.#firstMs !== null && nowMs() - this.#firstMs >= this.#times.leaseMs;
  }

  /** What was promoted here under a lease that is over is no champion of the cluster's. */
  #giveUpPending(): void {
    this.#options.log.warn({}, "another instance trains by now: what was promoted here is given up");
    this.#pending = null;
    this.#change({ strayed: true });
  }

  async #publish(mode: "lead" | "order", pending: Pending): Promise<void> {
    const { registry, holder, instance, log, wallMs, count } = this.#options;
    const version = holder.champion;
    const held = version === null ? null : await holder.model(version);
    if (version === null || held === null) return;
    const checksum = checksumOf(held.files);
    const by = mode === "order" ? "operator" : "judge";
    const source = { ...pending, by, instance: instance.name, id: instance.id, atMs: wallMs() } as const;
    let text: string;
    try {
      text = encodeModel(held);
    } catch (error) {
      this.#problem = (error as Error).message;
      this.#pending = null;
      this.#change({ ordered: false, strayed: false }); // it stays this instance's own
      log.warn({ model_version: version }, `the model is not shared: ${this.#problem}`);
      return;
    }
    const common = { floor: this.#note.floor, source, checksum, text };
    const after = this.#note.taken?.revision ?? 0;
    const told =
      mode === "lead"
        ? await registry.publish({ ...common, mode, token: this.#lease.token, after })
        : await registry.publish({ ...common, mode });
    // The champion may have changed while Redis was told: then there is something pending again.
    if (this.#pending === pending) this.#pending = null;
    if ("refused" in told) {
      log.warn(
        { model_version: version, why: told.refused },
        "the promotion is not the cluster's: its lease is over, or another came first",
      );
      this.#pending = null;
      this.#change({ strayed: true });
      return;
    }
    count?.("published");
    log.info({ model_version: version, revision: told.revision }, `model ${version} is the champion of the cluster`);
    this.#problem = null;
    const { floor, refused } = this.#note;
    this.#change({
      floor: Math.max(floor, told.revision),
      taken: { revision: told.revision, version, checksum, source },
      refused: refused.filter((one) => one !== checksum),
      ordered: this.#pending !== null && this.#note.ordered,
      strayed: this.#pending !== null && this.#note.strayed,
    });
  }

  /** Redis has forgotten what was published: what was taken of it is put back, under the number that it had. */
  async #restore(taken: NonNullable<SharedModelNote["taken"]>): Promise<void> {
    const { registry, holder, log } = this.#options;
    const { revision, version, checksum, source } = taken;
    const held = version === null ? null : await holder.model(version);
    if (held === null || checksumOf(held.files) !== checksum) {
      this.#change({ taken: null }); // it is gone here, too: what there is, or comes, is taken
      return;
    }
    const told = await registry.publish({
      mode: "restore",
      revision,
      floor: this.#note.floor,
      source,
      checksum,
      text: encodeModel(held),
    });
    if ("revision" in told) log.info({ revision }, "Redis had forgotten the model of the cluster: it is there again");
    this.#problem = null;
  }

  /** Takes what is published. */
  async #follow(model: NonNullable<RoundHeard["model"]>): Promise<void> {
    const { registry, holder, log, count } = this.#options;
    const { revision, checksum, source } = model;
    if (holder.champion === null) return;
    if (source === null) return this.#cannotUse(model, "what Redis says of it is none of ours");
    const isOrder = source.by === "operator";
    if (holder.isPaused && !isOrder) {
      this.#problem = "paused: what other instances promote is not taken until it is resumed";
      return;
    }
    if (source.replaces !== undefined && source.replaces !== checksum) this.#refuse(source.replaces);
    const held = await holder.model(holder.champion);
    const isSame = held !== null && checksumOf(held.files) === checksum;
    if (!isSame && this.#note.refused.includes(checksum) && !isOrder)
      return this.#cannotUse(model, "it was worse here");
    try {
      let version = holder.champion;
      if (!isSame) {
        const fetched = await registry.fetch(revision, checksum);
        if (fetched === null || this.#closed) return; // the next round hears of another
        version = await holder.adopt(fetched, source, revision);
        count?.("adopted");
        const fields = { model_version: version, revision, from: source.instance };
        log.info(fields, `the champion of the cluster is taken: ${source.kind} at ${source.instance}`);
      }
      this.#problem = null;
      this.#change({ taken: { revision, version, checksum, source }, strayed: false });
    } catch (error) {
      if (!(error instanceof BadModelError)) throw error;
      this.#cannotUse(model, error.message);
    }
  }

  /** It is not asked for again: only another one is. */
  #cannotUse({ revision, checksum, source }: NonNullable<RoundHeard["model"]>, why: string): void {
    const { log, count, wallMs } = this.#options;
    this.#problem = `revision ${revision} is not used here: ${why}`;
    count?.("unusable");
    log.warn({ revision, from: source?.instance ?? null }, this.#problem);
    const nobody = { kind: "promoted", by: "judge", instance: "", id: "", atMs: wallMs(), reason: "" } as const;
    this.#change({ taken: { revision, version: null, checksum, source: source ?? nobody }, strayed: false });
  }

  #refuse(checksum: string): void {
    const others = this.#note.refused.filter((one) => one !== checksum);
    this.#change({ refused: [...others, checksum].slice(-MOST_REFUSED) });
  }

  #change(changes: Partial<SharedModelNote>): void {
    this.#note = { ...this.#note, ...changes };
    void this.#options.holder.keep(this.#note);
  }
}
