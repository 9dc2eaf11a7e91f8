/**
 * The overrides that this instance knows: those of the store, those of this run, and which of the store's count no more
 * although it may still have them.
 */
import type { Override } from "../../shared/operations/override.ts";
import { type KeptOverrides, seenKey } from "../../storage/operations/store.ts";

/** Why one of the store's does not count. */
interface Mask {
  /** When it was made: a later one of the same id is another. */
  readonly atMs: number;
  /** It is to go from the store as soon as that works; else it is out of force for this run. */
  readonly remove: boolean;
}

/** One instance's. */
export class OverrideSet {
  #kept: KeptOverrides = { revision: 0, overrides: [], trouble: null };
  readonly #own = new Map<string, Override>();
  readonly #masks = new Map<string, Mask>();

  /** Of the store, as it was last. */
  get kept(): KeptOverrides {
    return this.#kept;
  }

  /** The store has these now. */
  take(kept: KeptOverrides): void {
    this.#kept = kept;
    const byId = new Map(kept.overrides.map((override) => [override.id, override]));
    for (const [id, { atMs }] of this.#masks) if (byId.get(id)?.atMs !== atMs) this.#masks.delete(id);
  }

  /** What counts, by id. Whose time is over does not. */
  current(wallMs: number): ReadonlyMap<string, Override> {
    const current = new Map<string, Override>();
    const counts = ({ untilMs }: Override): boolean => untilMs === null || untilMs > wallMs;
    for (const override of this.#kept.overrides) {
      const isMasked = this.#masks.get(override.id)?.atMs === override.atMs;
      if (!isMasked && counts(override)) current.set(override.id, override);
    }
    for (const [id, override] of this.#own) if (counts(override)) current.set(id, override);
    return current;
  }

  /** Those whose time is over. */
  expired(wallMs: number): readonly Override[] {
    const isOver = ({ untilMs }: Override): boolean => untilMs !== null && untilMs <= wallMs;
    const kept = this.#kept.overrides.filter(({ id, atMs }) => this.#masks.get(id)?.atMs !== atMs);
    return [...kept, ...this.#own.values()].filter(isOver);
  }

  /** For this run. */
  setOwn(made: readonly Override[], removed: readonly Override[]): void {
    for (const { id } of removed) this.#own.delete(id);
    this.mask(removed, false);
    for (const override of made) this.#own.set(override.id, override);
  }

  /** What the store says of these counts, not what was set for this run. */
  forgetOwn(overrides: readonly Override[]): void {
    for (const { id } of overrides) this.#own.delete(id);
  }

  /** Just these count no more, and are to go from the store: another of the same id that was set for this run stays. */
  drop(overrides: readonly Override[]): void {
    const dropped = new Set(overrides.map(seenKey));
    for (const [id, own] of this.#own) if (dropped.has(seenKey(own))) this.#own.delete(id);
    for (const kept of this.#kept.overrides) {
      if (dropped.has(seenKey(kept))) this.#masks.set(kept.id, { atMs: kept.atMs, remove: true });
    }
  }

  /** Those of these ids count no more. @param remove they are to go from the store, too. */
  mask(overrides: readonly Override[], remove: boolean): void {
    const ids = new Set(overrides.map(({ id }) => id));
    for (const id of ids) this.#own.delete(id);
    for (const { id, atMs } of this.#kept.overrides) if (ids.has(id)) this.#masks.set(id, { atMs, remove });
  }

  /** What the store would have with a change, without what is to go from it. */
  keptWith(made: readonly Override[], removed: readonly Override[]): readonly Override[] {
    const gone = new Set([...made, ...removed].map(({ id }) => id));
    const stays = ({ id, atMs }: Override): boolean => {
      const mask = this.#masks.get(id);
      return !gone.has(id) && !(mask?.remove && mask.atMs === atMs);
    };
    return [...this.#kept.overrides.filter(stays), ...made];
  }

  /** The store still has what is to go from it. */
  get isBehind(): boolean {
    return [...this.#masks.values()].some(({ remove }) => remove);
  }
}
