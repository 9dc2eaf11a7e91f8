/**
 * Operations that instances share without a database: each keeps all of them in its own files, with the time of each change;
 * what another has changed is taken over where it is the later. Whoever carries changes between instances asks `untold` and
 * calls `merge`; without it this is a store in files.
 */
import type { AuditEntry, AuditQuery } from "../../../shared/operations/audit.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { HybridClock } from "../../../shared/operations/stamp.ts";
import type { FileOperationsStore, FileOverrides } from "../file/store.ts";
import { type KeptOverrides, type OperationsStore, StaleRevisionError } from "../store.ts";
import { readReplica, writeReplica } from "./kept-replica.ts";
import { type ChangeNote, Replica, type ReplicaEntry } from "./replica.ts";

/** So many entries of the audit may wait beside the overrides; the others are written apart. */
const MOST_AUDIT = 100;
/** What others have changed and nobody has asked for, or the audit does not have: the last of it. */
const MOST_NEWS = 1000;

/** What it is made from. */
export interface ReplicatedStoreOptions {
  readonly file: FileOperationsStore;
  /** Of this run: 16 hexadecimal digits. */
  readonly id: string;
  /** The name of this instance, for people at others. */
  readonly instance: string;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** What others have changed is merged by the time this resolves, if that takes no time. Never rejects. */
  readonly refresh: () => Promise<void>;
  /** There is something to tell the others. */
  readonly onUntold: () => void;
}

/** What is in memory, and is in the file when that can be written. */
interface State {
  readonly replica: Replica;
  /** Of this instance alone, by id. */
  readonly own: ReadonlyMap<string, Override>;
  /** What counts here. */
  readonly overrides: readonly Override[];
  /** So many others do not, for want of room. */
  readonly left: number;
}

/** See the top of this file. */
export class ReplicatedOperationsStore implements OperationsStore {
  readonly shared = true;
  readonly endsWithAll = true;
  readonly where: string;
  readonly #options: ReplicatedStoreOptions;
  readonly #clock: HybridClock;
  #state: State = { replica: new Replica(), own: new Map(), overrides: [], left: 0 };
  /** Of what counts here; grows. */
  #revision = 0;
  /** Of the file as it was read or written last; `null` = it was never read. */
  #fileRevision: number | null = null;
  /** Memory has what the file has not. */
  #isUnwritten = false;
  #seen: ReadonlySet<string> = new Set();
  #lost: ReadonlySet<string> = new Set();
  /** What others are to be told, by id the stamp. */
  readonly #untold = new Map<string, string>();
  /** Of these ids, those that they were told of before. */
  readonly #again = new Set<string>();
  #news: AuditEntry[] = [];
  /** Of others, and not in the audit yet: the last of it. */
  #unaudited: AuditEntry[] = [];
  #notice: string | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ReplicatedStoreOptions) {
    this.#options = options;
    this.#clock = new HybridClock(options.id, options.wallMs);
    this.where = `${options.file.where}, shared with the other instances through Redis`;
  }

  async read(): Promise<KeptOverrides> {
    await this.#inTurn(() => this.#look());
    await this.#options.refresh();
    return this.#inTurn(async () => {
      const trouble = (await this.#look()) ?? (await this.#write());
      const { overrides, left } = this.#state;
      const news = this.#news;
      this.#news = [];
      const full = left === 0 ? null : `${left} changes of other instances are not in force here: there is no room`;
      return {
        revision: this.#revision,
        overrides,
        trouble: trouble ?? full,
        notice: this.#notice,
        seen: this.#seen,
        lost: this.#lost,
        news,
      };
    });
  }

  async commit(
    revision: number,
    overrides: readonly Override[],
    audit: readonly AuditEntry[],
    scope?: "instance",
  ): Promise<number> {
    await this.#options.refresh();
    return this.#inTurn(async () => {
      if (revision !== this.#revision)
        throw new StaleRevisionError("another instance has changed the overrides meanwhile");
      const { next, changed } = this.#changed(overrides, audit, scope);
      await this.#commit(next, audit);
      this.#state = next;
      this.#revision++;
      const committed = this.#revision;
      // What was hidden behind one that has ended counts now.
      if (!isSame(next.overrides, overrides)) this.#revision++;
      for (const { id, stamp } of changed) {
        this.#untold.set(id, stamp);
        this.#again.delete(id);
      }
      if (changed.length > 0) this.#options.onUntold();
      return committed;
    });
  }

  note(audit: readonly AuditEntry[]): Promise<void> {
    return this.#options.file.note(audit);
  }

  audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#options.file.audit(query);
  }

  remember(seen: ReadonlySet<string>, lost: ReadonlySet<string>): void {
    if (isSameSet(seen, this.#seen) && isSameSet(lost, this.#lost)) return;
    this.#seen = seen;
    this.#lost = lost;
    this.#isUnwritten = true;
    void this.#inTurn(() => this.#write());
  }

  async close(): Promise<void> {
    await this.#last.catch(() => {});
    await this.#options.file.close();
  }

  /** What others are to be told. */
  untold(): readonly ReplicaEntry[] {
    const { entries } = this.#state.replica;
    return [...this.#untold.keys()].flatMap((id) => entries.get(id) ?? []);
  }

  /** They have heard of these. @returns the ids of those that were told for the first time. */
  told(entries: readonly ReplicaEntry[]): readonly string[] {
    const first: string[] = [];
    for (const { id, stamp } of entries) {
      if (this.#untold.get(id) !== stamp) continue;
      this.#untold.delete(id);
      if (!this.#again.delete(id)) first.push(id);
    }
    return first;
  }

  /** They may not have heard of the last changes of these. */
  tellAgain(ids: readonly string[]): void {
    for (const id of ids) {
      const entry = this.#state.replica.entries.get(id);
      if (entry === undefined || this.#untold.has(id)) continue;
      this.#untold.set(id, entry.stamp);
      this.#again.add(id);
    }
  }

  /** All that others know is this, by id the stamp: the rest is to be told. */
  tellBeyond(known: ReadonlyMap<string, string>): void {
    this.#untold.clear();
    this.#again.clear();
    for (const { id, stamp } of this.#state.replica.entries.values()) {
      if ((known.get(id) ?? "") < stamp) this.#untold.set(id, stamp);
    }
  }

  /** The key of an override for all instances; `null` = it is of this one alone. */
  sharedKey(id: string): string | null {
    const entry = this.#state.replica.entries.get(id);
    return entry === undefined || this.#state.own.has(id) ? null : `${id}:${entry.stamp}`;
  }

  /**
   * Others have changed this: what is the later counts. What cannot be written counts all the same, and is written later.
   * @param audit what the audit has of those that change what counts here.
   * @returns those that do.
   */
  merge(
    entries: readonly ReplicaEntry[],
    audit: (entry: ReplicaEntry, before: Override | null) => AuditEntry,
  ): Promise<readonly ReplicaEntry[]> {
    return this.#inTurn(async () => {
      for (const { stamp } of entries) this.#clock.hear(stamp);
      const before = new Map(this.#state.overrides.map((override) => [override.id, override]));
      const replica = new Replica(this.#state.replica.entries.values());
      const taken = replica.merge(entries);
      if (taken.length === 0) return [];
      const next = this.#stateOf(replica, this.#state.own);
      const after = new Map(next.overrides.map((override) => [override.id, override]));
      const felt = taken.filter(({ id }) => before.get(id) !== after.get(id));
      const told = felt.map((entry) => audit(entry, before.get(entry.id) ?? null));
      // One change may be of several overrides.
      const news = [...new Map(told.map((entry) => [JSON.stringify(entry), entry])).values()];
      for (const { id } of taken) {
        this.#untold.delete(id);
        this.#again.delete(id);
      }
      if (!isSame(next.overrides, this.#state.overrides)) this.#revision++;
      this.#state = next;
      this.#isUnwritten = true;
      this.#news = [...this.#news, ...news].slice(-MOST_NEWS);
      this.#unaudited = [...this.#unaudited, ...news].slice(-MOST_NEWS);
      await this.#write();
      return felt;
    });
  }

  /** Reads the file, if somebody else has written it. @returns why nothing can be kept now. */
  async #look(): Promise<string | null> {
    const kept = await this.#options.file.read();
    this.#notice = kept.notice ?? this.#notice;
    if (kept.revision !== this.#fileRevision) this.#take(kept);
    return kept.trouble;
  }

  #take({ revision, overrides, more }: FileOverrides): void {
    const { entries, own, seen, lost, damaged } = readReplica(more, overrides, this.#clock, this.#options.id);
    if (damaged) this.#notice = `${this.#options.file.where} is damaged: when its changes were made is not known`;
    const replica = new Replica(this.#state.replica.entries.values());
    for (const { id, stamp } of replica.merge(entries)) this.#untold.set(id, stamp);
    this.#state = this.#stateOf(replica, new Map(own.map((override) => [override.id, override])));
    this.#revision = this.#fileRevision === null ? revision : Math.max(this.#revision + 1, revision);
    this.#fileRevision = revision;
    this.#seen = seen;
    this.#lost = lost;
  }

  #stateOf(replica: Replica, own: ReadonlyMap<string, Override>): State {
    const { entries } = this.#state.replica;
    const held = new Set(this.#state.overrides.flatMap(({ id }) => entries.get(id)?.stamp ?? []));
    const wallMs = this.#options.wallMs();
    replica.tidy(wallMs);
    return { replica, own, ...replica.view(own, wallMs, held) };
  }

  /** What a change makes of it. */
  #changed(
    overrides: readonly Override[],
    audit: readonly AuditEntry[],
    scope: "instance" | undefined,
  ): { readonly next: State; readonly changed: readonly ReplicaEntry[] } {
    const { wallMs, instance } = this.#options;
    const nowMs = wallMs();
    const { replica, own, overrides: counting } = this.#state;
    const ownNext = new Map(own);
    const changed: ReplicaEntry[] = [];
    const before = new Map(counting.map((override) => [override.id, override]));
    const stays = new Set(overrides.map(({ id }) => id));
    const write = (id: string, override: Override | null): void => {
      changed.push({ id, stamp: this.#clock.next(), override, note: this.#noteOf(audit, changed.length, instance) });
    };
    for (const override of overrides) {
      const { id } = override;
      if (Bun.deepEquals(before.get(id), override)) continue;
      if (override.scope === "instance") ownNext.set(id, override);
      else {
        ownNext.delete(id);
        write(id, override);
      }
    }
    for (const { id, untilMs } of counting) {
      if (stays.has(id)) continue;
      const isOver = untilMs !== null && untilMs <= nowMs;
      const wasOwn = ownNext.delete(id);
      // Whose time is over ends at each instance by its own clock.
      if (isOver || (wasOwn && scope === "instance")) continue;
      const shared = replica.entries.get(id);
      if (shared !== undefined && shared.override !== null) write(id, null);
    }
    const next = new Replica(replica.entries.values());
    next.merge(changed);
    const kept = this.#stateOf(next, ownNext);
    const over = kept.overrides.filter((override) => {
      return !stays.has(override.id) && override.untilMs !== null && override.untilMs <= nowMs;
    });
    return { next: { ...kept, overrides: kept.overrides.filter((override) => !over.includes(override)) }, changed };
  }

  #noteOf(audit: readonly AuditEntry[], index: number, instance: string): ChangeNote | null {
    const done = audit[index] ?? audit[0];
    return done === undefined ? null : { instance, done: shortEntry(done) };
  }

  /** Rejects when it cannot be kept. */
  async #commit(next: State, audit: readonly AuditEntry[]): Promise<void> {
    const { file } = this.#options;
    const shown = new Map(next.overrides.map((override) => [override.id, override]));
    const more = writeReplica(next.replica.entries.values(), shown, this.#seen, this.#lost);
    this.#fileRevision = await file.commitWith(
      this.#fileRevision ?? 0,
      next.overrides,
      audit.slice(0, MOST_AUDIT),
      more,
    );
    this.#isUnwritten = false;
    if (audit.length > MOST_AUDIT) await file.note(audit.slice(MOST_AUDIT));
  }

  /** What memory has gets into the file, where that works. @returns why it does not. */
  async #write(): Promise<string | null> {
    if (!this.#isUnwritten) return null;
    try {
      await this.#commit(this.#state, this.#unaudited);
      this.#unaudited = [];
      return null;
    } catch (error) {
      return `what other instances have changed is in force, and not kept here: ${(error as Error).message}`;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Of values that take too much room nothing is told: they stand in the override. */
function shortEntry(done: AuditEntry): AuditEntry {
  const size = JSON.stringify([done.before, done.after]).length;
  return size > MOST_VALUES ? { ...done, before: null, after: null } : done;
}

const MOST_VALUES = 4096;

function isSame(a: readonly Override[], b: readonly Override[]): boolean {
  if (a.length !== b.length) return false;
  const known = new Map(b.map((override) => [override.id, override]));
  return a.every((override) => Bun.deepEquals(known.get(override.id), override));
}

function isSameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((key) => b.has(key));
}
