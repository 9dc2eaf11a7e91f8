/**
 * What operators change at run time, one change after the other: it is checked, made to last, put into force and told. The one
 * writer of the overrides in force.
 */
import type { LoadedConfig } from "../../config/load.ts";
import { type AuditEntry, type AuditQuery, OWN_ACTOR } from "../../shared/operations/audit.ts";
import type { Override, OverrideKind, OverrideOf } from "../../shared/operations/override.ts";
import { type KeptOverrides, type OperationsStore, StaleRevisionError } from "../../storage/operations/store.ts";
import { BALANCER, changeActor, type Events, STORE } from "../events/events.ts";
import type { ControlLog } from "../log.ts";
import { AuditTrail } from "./audit-trail.ts";
import { type Changed, type ChangeOptions, type Operator, operatorName, type Propose, type Telling } from "./change.ts";
import { NotKeptError, RefusedChangeError } from "./errors.ts";
import type { Ground } from "./ground.ts";
import { applied, type Next, nextOverrides } from "./next.ts";
import { OverrideSet } from "./override-set.ts";
import { describeOverruled, type Losses, Standing } from "./standing.ts";
import { type Overruled, type Weighed, weigh } from "./weigh.ts";
import { comparableValue, describeTarget, whyNotHere } from "./words.ts";

/** As often another instance may be faster: of two that change something all the time each is, every second time. */
const TRIES = 20;
/** How often others' changes are looked for, and what could not be done in the store is tried again. */
const LOOK_MS = 10_000;
/** The balancer itself, as who changes something. */
export const ITSELF: Operator = { name: OWN_ACTOR, client: "" };

/** What it is made from. */
export interface OperationsOptions {
  readonly store: OperationsStore;
  readonly ground: Ground;
  /** Does it when all that was asked for before is done. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
  readonly log: ControlLog;
  readonly events: Events;
  readonly wallMs: () => number;
  /** Another instance has the store, and is about to go. Default: none. */
  readonly takesOver?: () => boolean;
}

/** What was done. */
export type Done = Pick<AuditEntry, "action" | "target" | "before" | "after" | "reason"> & Telling;

/** An override as it is shown. */
export type ShownOverride = Override & {
  /** It is in force in this instance. */
  readonly inForce: boolean;
  /** Why it is not; `null` = it is. */
  readonly whyNot: string | null;
};

/** How instances share what is kept. */
export type Sharing = "none" | "database" | "replicated";

/** One of all instances that is not in force in this one. */
export interface NotInForce {
  readonly id: string;
  /** It was, until the configuration here changed. */
  readonly isLost: boolean;
}

/** What ends an override beside whoever removes it: a configuration that says something else since, or its time. */
export type OverrideEnd = "configuration" | "time";

/** A configuration that was loaded, with the overrides that hold over it. */
export interface Layering {
  readonly layered: LoadedConfig;
  /** In force with it. */
  readonly holds: readonly Override[];
  /** One sentence for each override that ends with it. */
  readonly ended: readonly string[];
  /** One for each that stays as it is and is not in force here. */
  readonly dormant: readonly string[];
  /** Those that have lost to it end. @param taken the configuration is in force with those that hold. */
  settle(taken: boolean): Promise<void>;
}

/** One instance's. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #set = new OverrideSet();
  readonly #trail: AuditTrail;
  readonly #standing: Standing;
  #trouble: string | null = null;
  /** The last change could not be kept: whether it could now, only trying tells. */
  #unkept = false;
  /** What the store wanted to be heard was said. */
  #notice: string | null = null;
  readonly #ended: Record<OverrideEnd, number> = { configuration: 0, time: 0 };
  /** What was kept before is in force. */
  #isOpen = false;
  #lookedMs: number | null = null;
  #looking = false;
  #isStopped = false;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#trail = new AuditTrail(options);
    this.#standing = new Standing(options.store);
  }

  /** In the order in which they were made. */
  list(): readonly ShownOverride[] {
    const all = [...this.#current().values()].sort((a, b) => a.atMs - b.atMs);
    return all.map((override) => {
      const whyNot = this.#whyNot(override);
      return { ...override, inForce: whyNot === null, whyNot };
    });
  }

  /** Those that are in force here. */
  inForce(): readonly Override[] {
    return this.#inForce(this.#current());
  }

  /** Those of one kind that are in force here. */
  inForceOf<K extends OverrideKind>(kind: K): readonly OverrideOf<K>[] {
    const found = [...this.#current().values()].filter((override) => override.kind === kind);
    return found.filter((override) => this.#whyNot(override) === null) as unknown as readonly OverrideOf<K>[];
  }

  /** Why changes may not last now, or what is in force may not be what is kept; `null` = all is well. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** How many have ended by themselves since the start, by what ended them. */
  get ended(): Readonly<Record<OverrideEnd, number>> {
    return this.#ended;
  }

  /** Where they are kept, for people. */
  get where(): string {
    return this.#options.store.where;
  }

  /** How instances share what is kept: each keeps all of it, in one database, or not at all. */
  get sharing(): Sharing {
    const { shared, endsWithAll = false } = this.#options.store;
    return endsWithAll ? "replicated" : shared ? "database" : "none";
  }

  /** Takes over what the store has; for the start. @returns what the configuration is with it. */
  open(kept: KeptOverrides, loaded: LoadedConfig): Layering {
    this.#take(kept);
    this.#standing.open(kept);
    for (const entry of kept.news ?? []) this.#trail.tell(entry);
    return this.layer(loaded);
  }

  /** What a configuration that was loaded is with the overrides. Nothing changes by that. */
  layer(loaded: LoadedConfig): Layering {
    const weighed = weigh([...this.#current().values()], loaded);
    const losses = this.#standing.losses(weighed);
    const { ended, lost, dormant } = losses;
    return {
      layered: weighed.layered,
      holds: weighed.holds,
      ended: [...ended, ...lost].map(describeOverruled),
      dormant: dormant.map(describeOverruled),
      settle: (taken) => this.#settle(weighed, losses, taken),
    };
  }

  /**
   * Makes a change in its turn. Resolves when it lasts (unless `keep` is false) and is in force. Rejects with what `propose`
   * throws, a `RefusedChangeError` or a `NotKeptError`; nothing has changed then.
   */
  async change(operator: Operator, options: ChangeOptions, propose: Propose): Promise<Changed> {
    let changed: Changed | undefined;
    await this.#options.inTurn(async () => {
      changed = await this.#make(operator, options, propose);
    });
    if (!options.dryRun) await this.#options.ground.told();
    return changed!;
  }

  /** Something was done that changes no override. Never rejects, and nobody has to wait for it. */
  note(operator: Operator, done: Done): Promise<void> {
    const { about, words, ...what } = done;
    return this.#trail.note(this.#entry(operator, { ...what, kept: true }), { about, words });
  }

  /** Newest first. Rejects with the store's error. */
  audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#options.store.audit(query);
  }

  /** Another instance has changed something: it is in force here when this has its turn. Never rejects. */
  look(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    return this.#options
      .inTurn(this.#lookInTurn)
      .catch((error: Error) => this.#options.log.error({ err: error }, error.message));
  }

  /** Those of all instances that are not in force here. */
  notInForce(): readonly NotInForce[] {
    return [...this.#current().values()]
      .filter((override) => isOfAll(override) && this.#whyNot(override) !== null)
      .map((override) => ({ id: override.id, isLost: this.#standing.isLost(override) }));
  }

  /** No instance has these in force any more, by id: where that is so here, they end for all. Never rejects. */
  endForAll(ids: ReadonlySet<string>): Promise<void> {
    const work = async (): Promise<void> => {
      const lost = [...this.#current().values()].filter((override) => {
        return ids.has(override.id) && isOfAll(override) && this.#standing.isLost(override);
      });
      if (lost.length === 0) return;
      this.#set.drop(lost);
      const why = "the configuration of no instance goes with it any more";
      await this.#clean(lost.map((override) => this.#end({ override, why, now: override.configured }, "override.end")));
    };
    return this.#options.inTurn(work).catch((error: Error) => this.#options.log.error({ err: error }, error.message));
  }

  readonly #lookInTurn = (): Promise<void> => this.#look();

  /** The instance ends, and closes the store: nobody looks any more, and what comes of looks under way is no trouble. */
  stop(): void {
    this.#isStopped = true;
  }

  /** About once a second: ends what is over, and looks at the store from time to time. @param nowMs monotonic. */
  tick(nowMs: number): void {
    if (this.#looking || this.#isStopped) return;
    const isDue = this.#lookedMs === null || nowMs - this.#lookedMs >= LOOK_MS;
    if (isDue) this.#lookedMs = nowMs;
    const { wallMs, log, store } = this.#options;
    const isOver = this.#set.expired(wallMs()).length > 0;
    if (!isOver && !isDue) return;
    this.#looking = true;
    const work = async (): Promise<void> => {
      // Another instance may have ended it already: then it stands in the audit.
      if (isDue || store.shared) await this.#look();
      // Now that it is its turn: whoever has set it another end meanwhile has done so.
      const expired = this.#set.expired(wallMs());
      if (expired.length > 0) await this.#expire(expired);
    };
    void this.#options
      .inTurn(work)
      .catch((error: Error) => log.error({ err: error }, `the overrides could not be looked at: ${error.message}`))
      .finally(() => {
        this.#looking = false;
      });
  }

  #current(): ReadonlyMap<string, Override> {
    return this.#set.current(this.#options.wallMs());
  }

  #whyNot(override: Override): string | null {
    const why = this.#standing.whyNot(override);
    if (why !== undefined) return why;
    return this.#options.ground.values.isOf(override)
      ? null
      : "it replaces something else than what is configured here";
  }

  #inForce(current: ReadonlyMap<string, Override>): readonly Override[] {
    return [...current.values()].filter((override) => this.#whyNot(override) === null);
  }

  async #make(operator: Operator, options: ChangeOptions, propose: Propose): Promise<Changed> {
    const { keep, reason, dryRun = false } = options;
    // Where nothing is shared, there is but this instance.
    const scope = keep && this.sharing === "replicated" ? options.scope : undefined;
    const { ground, wallMs } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { action, target, before, after, about, words, ...wanted } = propose();
      const current = this.#current();
      const maker = { by: operatorName(operator), client: operator.client, reason, atMs: wallMs(), kept: keep, scope };
      const next = nextOverrides(current, wanted, ground.values, maker);
      const made = new Set(next.made.map(({ id }) => id));
      const wantedInForce = [...applied(current, next).values()].filter((override) => {
        return made.has(override.id) || this.#whyNot(override) === null;
      });
      const ofAll = scope === undefined ? [] : next.removed.flatMap(whyNotHere);
      const first = [...next.problems, ...ofAll];
      const problems = first.length > 0 ? first : ground.problems(wantedInForce);
      if (problems.length > 0) throw new RefusedChangeError(problems);
      const entry = this.#entry(operator, { action, target, before, after, reason, kept: keep });
      const changes = next.removed.length > 0 || next.made.some((one) => this.#isNew(current.get(one.id), one));
      const changed = { changed: changes, entry, made: next.made, removed: next.removed };
      if (!changes && attempt === 1 && this.#options.store.shared) {
        // Another instance may have changed it since this one has looked.
        await this.#look();
        continue;
      }
      if (dryRun || !changes) return changed;
      const { kept } = this.#set;
      if (keep && !(await this.#keep(next, entry, attempt, scope))) continue;
      await this.#putIntoForce(kept, next, wantedInForce, entry);
      this.#remember();
      if (!keep) void this.#trail.note(entry, { about, words });
      else this.#trail.tell(entry, { about, words });
      return changed;
    }
  }

  /** @returns false when another instance was faster. Throws a `NotKeptError`. */
  async #keep(next: Next, entry: AuditEntry, attempt: number, scope: "instance" | undefined): Promise<boolean> {
    const { store } = this.#options;
    try {
      const overrides = this.#set.keptWith(next.made, next.removed);
      const revision = await store.commit(this.#set.kept.revision, overrides, [entry], scope);
      this.#take({ revision, overrides, trouble: null });
      return true;
    } catch (error) {
      const isStale = error instanceof StaleRevisionError;
      if (isStale && attempt < TRIES) {
        await this.#look();
        return false;
      }
      const why = (error as Error).message;
      if (!isStale) this.#failed(why);
      throw new NotKeptError(`${why}: nothing was changed; with keep=false it is changed for this run alone`);
    }
  }

  /** Does it say what is not so already? Who repeats a change without a reason takes nothing back of the one that was given. */
  #isNew(known: Override | undefined, wanted: Override): boolean {
    if (known === undefined || this.#whyNot(known) !== null) return true;
    if (wanted.reason !== "" && wanted.reason !== known.reason) return true;
    const said = ({ value, configured, untilMs, kept, scope }: Override): unknown => {
      return [value, configured, untilMs, kept, scope];
    };
    return !Bun.deepEquals(said(known), said(wanted));
  }

  /** Throws a `RefusedChangeError` when it cannot be; then what was before is in force, and kept, and the audit says so. */
  async #putIntoForce(
    before: KeptOverrides,
    next: Next,
    wanted: readonly Override[],
    entry: AuditEntry,
  ): Promise<void> {
    const { ground, store } = this.#options;
    const { kept: keep, action, target } = entry;
    try {
      await ground.apply(wanted, { actor: changeActor(entry.actor, entry.client) });
    } catch (error) {
      const problem = (error as Error).message;
      if (!keep) throw new RefusedChangeError([problem]);
      const undone = this.#entry(ITSELF, {
        action: "override.undo",
        target,
        before: entry.after,
        after: entry.before,
        reason: `${action} could not be put into force: ${problem}`,
        kept: true,
      });
      try {
        const revision = await store.commit(this.#set.kept.revision, before.overrides, [undone]);
        this.#take({ ...before, revision });
        this.#trail.tell(undone);
      } catch (failure) {
        // It does not count here, and goes from the store when that works again.
        this.#set.drop(next.made);
        if (!(failure instanceof StaleRevisionError)) this.#failed((failure as Error).message);
        void this.#trail.note(undone);
      }
      throw new RefusedChangeError([problem]);
    }
    if (keep) this.#set.forgetOwn([...next.made, ...next.removed]);
    else this.#set.setOwn(next.made, next.removed);
  }

  /** A configuration is in force, or what is kept is something else: those that have lost to it end, or sleep. */
  async #settle(weighed: Weighed, losses: Losses, taken: boolean): Promise<void> {
    const { ended, lost, dormant } = losses;
    const { log, ground } = this.#options;
    this.#ended.configuration += ended.length + lost.length;
    this.#standing.take(weighed, losses);
    this.#isOpen = true;
    this.#set.mask(
      ended.map(({ override }) => override),
      true,
    );
    for (const one of dormant) log.warn({ override: one.override.id }, `not in force here: ${describeOverruled(one)}`);
    for (const one of lost) log.warn({ override: one.override.id }, `it ends here: ${describeOverruled(one)}`);
    for (const one of ended) log.warn({ override: one.override.id }, `it ends: ${describeOverruled(one)}`);
    // Who is not waited for with a configuration of its own is another instance.
    const how = { actor: STORE, layered: taken };
    await ground.apply(weighed.holds, how).catch((error: Error) => log.error({ err: error }, error.message));
    this.#remember();
    const here = lost.map((one) => this.#end(one, "override.end_here"));
    await Promise.all(here.map((entry) => this.#trail.note(entry)));
    if (ended.length > 0) await this.#clean(ended.map((one) => this.#end(one, "override.end")));
  }

  #end({ override, why, now }: Overruled, action: string): AuditEntry {
    return this.#entry(ITSELF, {
      action,
      target: describeTarget(override),
      before: comparableValue(override),
      after: now ?? null,
      reason: why,
      kept: override.kept,
    });
  }

  /** What is masked goes from the store, where that works. */
  async #clean(entries: readonly AuditEntry[]): Promise<void> {
    const { store, log } = this.#options;
    try {
      const overrides = this.#set.keptWith([], []);
      const revision = await store.commit(this.#set.kept.revision, overrides, entries);
      this.#take({ revision, overrides, trouble: null });
      for (const entry of entries) this.#trail.tell(entry);
    } catch (error) {
      const why = (error as Error).message;
      for (const entry of entries) void this.#trail.note(entry);
      if (entries.length > 0) log.warn({}, `overrides that have ended are still kept, and are removed later: ${why}`);
      if (!(error instanceof StaleRevisionError)) this.#failed(why);
    }
  }

  /** Whose time is over ends. */
  async #expire(expired: readonly Override[]): Promise<void> {
    this.#set.drop(expired);
    this.#ended.time += expired.length;
    await this.#options.ground.apply(this.inForce(), { actor: BALANCER });
    this.#remember();
    const entries = expired.map((override) =>
      this.#entry(ITSELF, {
        action: "override.expire",
        target: describeTarget(override),
        before: comparableValue(override),
        after: override.configured,
        reason: "its time is over",
        kept: override.kept,
      }),
    );
    await this.#clean(entries);
  }

  /** Others may have changed what is kept; and what could not be done there may be possible now. */
  async #look(): Promise<void> {
    const { store, ground } = this.#options;
    const before = this.#set.kept.revision;
    let kept: KeptOverrides;
    try {
      kept = await store.read();
    } catch (error) {
      this.#say((error as Error).message);
      return;
    }
    this.#set.take(kept);
    this.#hear(kept);
    if (kept.revision !== before) await this.layer(ground.loaded).settle(false);
    for (const entry of kept.news ?? []) this.#trail.tell(entry);
    if (kept.trouble !== null) this.#say(kept.trouble);
    else if (this.#unkept || this.#set.isBehind) await this.#clean([]);
    else this.#say(null);
  }

  #take(kept: KeptOverrides): void {
    this.#set.take(kept);
    this.#hear(kept);
    this.#unkept = false;
    this.#say(kept.trouble);
  }

  /** Something could not be kept: the next look finds out whether it could by then. */
  #failed(why: string): void {
    this.#unkept = true;
    this.#say(why);
  }

  #hear({ notice = null }: KeptOverrides): void {
    if (notice !== null && notice !== this.#notice) this.#options.log.error({ mode: "operations" }, notice);
    this.#notice = notice ?? this.#notice;
  }

  /** What is wrong with the store is said once. */
  #say(trouble: string | null): void {
    if (trouble === this.#trouble || this.#isStopped) return;
    const { log, store, takesOver } = this.#options;
    if (trouble === null) log.info({}, `overrides are kept again: ${store.where}`);
    else if (takesOver?.())
      log.warn({}, `overrides: ${trouble}; until the instance before has gone, this is as it should be`);
    else log.error({ mode: "operations" }, `overrides: ${trouble}; what is in force stays in force`);
    this.#trouble = trouble;
  }

  #remember(): void {
    if (this.#options.store.shared) this.#standing.remember(this.inForce());
  }

  #entry(operator: Operator, done: Omit<AuditEntry, "atMs" | "actor" | "client">): AuditEntry {
    return { ...done, atMs: this.#options.wallMs(), actor: operatorName(operator), client: operator.client };
  }
}

function isOfAll({ kept, scope }: Override): boolean {
  return kept && scope === undefined;
}
