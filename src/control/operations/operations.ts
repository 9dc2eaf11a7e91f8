/**
 * What operators change at run time, one change after the other: it is checked, made to last, put into force and told. The one
 * writer of the overrides in force.
 */
import type { AuditEntry, AuditQuery } from "../../shared/operations/audit.ts";
import type { Override } from "../../shared/operations/override.ts";
import { type KeptOverrides, type OperationsStore, StaleRevisionError } from "../../storage/operations/store.ts";
import type { Events } from "../events/events.ts";
import type { ControlLog } from "../log.ts";
import { AuditTrail } from "./audit-trail.ts";
import type { Changed, ChangeOptions, Operator, Propose, Telling } from "./change.ts";
import { NotKeptError, RefusedChangeError, UnknownOverrideError } from "./errors.ts";
import type { Ground } from "./ground.ts";
import { type Next, nextOverrides } from "./next.ts";
import { OverrideSet } from "./override-set.ts";
import { describeMaker, describeTarget, describeValue } from "./words.ts";

/** As often another instance may be faster. */
const TRIES = 5;
/** The balancer itself, as who changes something. */
export const ITSELF: Operator = { name: "neurabalancer", client: "" };

/** What it is made from. */
export interface OperationsOptions {
  readonly store: OperationsStore;
  readonly ground: Ground;
  /** Does it when all that was asked for before is done. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
  readonly log: ControlLog;
  readonly events: Events;
  readonly wallMs: () => number;
}

/** What was done. */
export type Done = Pick<AuditEntry, "action" | "target" | "before" | "after" | "reason"> & Telling;

/** An override as it is shown. */
export type ShownOverride = Override & {
  /** It is in force in this instance. */
  readonly inForce: boolean;
};

/** One instance's. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #set = new OverrideSet();
  readonly #trail: AuditTrail;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#trail = new AuditTrail(options);
  }

  /** In the order in which they were made. */
  list(): readonly ShownOverride[] {
    const { ground } = this.#options;
    const all = [...this.#current().values()].sort((a, b) => a.atMs - b.atMs);
    return all.map((override) => ({ ...override, inForce: ground.values.isOf(override) }));
  }

  /** Those that are in force here. */
  inForce(): readonly Override[] {
    return this.#inForce(this.#current());
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
    return changed!;
  }

  /** Ends one. Rejects as `change` does, and with an `UnknownOverrideError`. @param check looks at what there is first. */
  remove(operator: Operator, options: ChangeOptions, id: string, check = (): void => {}): Promise<Changed> {
    return this.change(operator, options, () => {
      check();
      const override = this.#current().get(id);
      if (override === undefined) throw new UnknownOverrideError(`there is no override with the id ${id}`);
      const { value, configured } = override;
      const target = describeTarget(override);
      return { action: "override.remove", target, remove: [id], before: value, after: configured };
    });
  }

  /** Ends all. @param check looks at what there is first. */
  clear(operator: Operator, options: ChangeOptions, check = (): void => {}): Promise<Changed> {
    return this.change(operator, options, () => {
      check();
      const ids = [...this.#current().keys()];
      return { action: "override.clear", target: "all overrides", remove: ids, before: ids.length, after: 0 };
    });
  }

  /** Something was done that changes no override. Never rejects, and nobody waits for it. */
  note(operator: Operator, done: Done): void {
    const { about, words, ...what } = done;
    void this.#trail.note(this.#entry(operator, { ...what, kept: true }), { about, words });
  }

  /** Newest first. Rejects with the store's error. */
  audit(query: AuditQuery): Promise<readonly AuditEntry[]> {
    return this.#options.store.audit(query);
  }

  #current(): ReadonlyMap<string, Override> {
    return this.#set.current(this.#options.wallMs());
  }

  #inForce(current: ReadonlyMap<string, Override>): readonly Override[] {
    const { values } = this.#options.ground;
    return [...current.values()].filter((override) => values.isOf(override));
  }

  async #make(operator: Operator, options: ChangeOptions, propose: Propose): Promise<Changed> {
    const { keep, reason, dryRun = false } = options;
    const { ground, wallMs } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const { action, target, before, after, about, words, ...wanted } = propose();
      const current = this.#current();
      const maker = { by: operator.name || "local", client: operator.client, reason, atMs: wallMs(), kept: keep };
      const next = nextOverrides(current, wanted, ground.values, maker);
      const wantedInForce = this.#inForce(applied(current, next));
      const problems = next.problems.length > 0 ? next.problems : ground.problems(wantedInForce);
      if (problems.length > 0) throw new RefusedChangeError(problems);
      const entry = this.#entry(operator, { action, target, before, after, reason, kept: keep });
      const changed = { entry, made: next.made, removed: next.removed };
      if (dryRun) return changed;
      const { kept } = this.#set;
      if (keep && !(await this.#keep(next, entry, attempt))) continue;
      await this.#putIntoForce(kept, next, wantedInForce, keep);
      if (!keep) void this.#trail.note(entry, { about, words });
      else this.#trail.tell(entry, { about, words });
      return changed;
    }
  }

  /** @returns false when another instance was faster. Throws a `NotKeptError`. */
  async #keep(next: Next, entry: AuditEntry, attempt: number): Promise<boolean> {
    const { store } = this.#options;
    try {
      const overrides = this.#set.keptWith(next.made, next.removed);
      const revision = await store.commit(this.#set.kept.revision, overrides, [entry]);
      this.#set.take({ revision, overrides });
      this.#set.forgetOwn([...next.made, ...next.removed]);
      return true;
    } catch (error) {
      if (error instanceof StaleRevisionError && attempt < TRIES) {
        this.#set.take(await store.read());
        return false;
      }
      const why = (error as Error).message;
      throw new NotKeptError(`${why}: nothing was changed; with keep=false it is changed for this run alone`);
    }
  }

  /** Throws a `RefusedChangeError` when it cannot be; then what was before is in force, and kept. */
  async #putIntoForce(before: KeptOverrides, next: Next, wanted: readonly Override[], keep: boolean): Promise<void> {
    const { ground, store } = this.#options;
    try {
      await ground.apply(wanted);
    } catch (error) {
      const problem = (error as Error).message;
      if (!keep) throw new RefusedChangeError([problem]);
      try {
        const revision = await store.commit(this.#set.kept.revision, before.overrides, []);
        this.#set.take({ revision, overrides: before.overrides });
      } catch {
        // It does not count here, and goes from the store when that works again.
        this.#set.mask(next.made, true);
      }
      throw new RefusedChangeError([problem]);
    }
    if (!keep) this.#set.setOwn(next.made, next.removed);
  }

  #entry({ name, client }: Operator, done: Omit<AuditEntry, "atMs" | "actor" | "client">): AuditEntry {
    return { ...done, atMs: this.#options.wallMs(), actor: name || "local", client };
  }
}

function applied(current: ReadonlyMap<string, Override>, { made, removed }: Next): ReadonlyMap<string, Override> {
  const next = new Map(current);
  for (const { id } of removed) next.delete(id);
  for (const override of made) next.set(override.id, override);
  return next;
}

/** One override as a sentence: what it says, instead of what, and whose it is. */
export function describeOverride(override: Override): string {
  const { value, configured } = override;
  const what = `${describeTarget(override)}: ${describeValue(value)} instead of ${describeValue(configured)}`;
  return `${what} (${describeMaker(override)})`;
}
