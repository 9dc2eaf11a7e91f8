/** Layouts that an instance has met, and where in its own table their servers are. */
import { type Layout, readLayout } from "./layout.ts";

/** So many are remembered. */
const MOST = 256;

interface KnownLayout {
  readonly layout: Layout;
  /** Slots of this instance by place; -1 = it does not have that server. `null` = to be looked up. */
  slots: Int32Array | null;
}

/** One instance's. */
export class KnownLayouts {
  readonly #known = new Map<string, KnownLayout>();
  #slotOf: ReadonlyMap<string, number> = new Map();

  /** This instance's servers are in these slots, by hash, from now on. */
  own(slotOf: ReadonlyMap<string, number>): void {
    this.#slotOf = slotOf;
    for (const known of this.#known.values()) known.slots = null;
  }

  add(layout: Layout): void {
    this.#known.delete(layout.id);
    if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(layout.id, { layout, slots: null });
  }

  /** What was found under these names; what is not what it should be is left out. */
  found(ids: readonly string[], texts: readonly unknown[]): void {
    for (const [i, id] of ids.entries()) {
      const text = texts[i];
      if (typeof text !== "string") continue;
      try {
        this.add(readLayout(id, text));
      } catch {
        // Somebody else's text under this name: its servers count with nobody until it is mended.
      }
    }
  }

  /** Those of these that are not known. */
  unknown(ids: readonly string[]): string[] {
    return [...new Set(ids)].filter((id) => !this.#known.has(id)).slice(0, MOST);
  }

  get(id: string): Layout | undefined {
    return this.#known.get(id)?.layout;
  }

  /** Slots by place of a layout that is known; -1 = no server of this instance. */
  slots(id: string): Int32Array {
    const known = this.#known.get(id)!;
    known.slots ??= Int32Array.from(known.layout.hashes, (hash) => this.#slotOf.get(hash) ?? -1);
    return known.slots;
  }
}
