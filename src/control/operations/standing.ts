/**
 * How the overrides that count stand in this instance: which of them were in force here and which never were, so that it is
 * known what becomes of one that does not go with the configuration. Where they are kept for this instance alone it ends. In a
 * store that instances share one that was never in force here sleeps, because of no use here is not of no use there. Where it is
 * not known what others have configured, one that was in force ends for all; where they say so, it is only lost here, and ends
 * when nobody has it in force.
 */
import { describeMaker } from "../../shared/operations/maker.ts";
import type { Override } from "../../shared/operations/override.ts";
import { type KeptOverrides, type OperationsStore, seenKey } from "../../storage/operations/store.ts";
import type { Overruled, Weighed } from "./weigh.ts";
import { describeTarget } from "./words.ts";

/** What becomes of those that do not go with a configuration. */
export interface Losses {
  /** They count no more. */
  readonly ended: readonly Overruled[];
  /** They are not in force here from now on, and may be for others. */
  readonly lost: readonly Overruled[];
  /** They were not in force before. */
  readonly dormant: readonly Overruled[];
}

/** One instance's. */
export class Standing {
  readonly #store: Pick<OperationsStore, "shared" | "endsWithAll" | "remember">;
  /** By `seenKey`: what is not in force here although it counts, and why. */
  #dormant: ReadonlyMap<string, string> = new Map();
  /** By `seenKey`: what was in force here. `null` = all that there is. */
  #seen: ReadonlySet<string> | null = null;
  /** By `seenKey`: what was in force here until the configuration changed. */
  #lost: ReadonlySet<string> = new Set();

  constructor(store: Pick<OperationsStore, "shared" | "endsWithAll" | "remember">) {
    this.#store = store;
  }

  /** As it was when the instance ran last. */
  open({ seen, lost }: KeptOverrides): void {
    this.#seen = this.#store.shared ? (seen ?? new Set()) : null;
    this.#lost = lost ?? new Set();
  }

  /** Why it is not in force here; `undefined` = the configuration does not speak against it. */
  whyNot(override: Override): string | undefined {
    return this.#dormant.get(seenKey(override));
  }

  /** Was it in force here, until the configuration changed? */
  isLost(override: Override): boolean {
    return this.#lost.has(seenKey(override));
  }

  /** What becomes of them. Nothing changes by that. */
  losses({ overruled }: Weighed): Losses {
    const wasInForce = ({ override }: Overruled): boolean => this.#seen?.has(seenKey(override)) ?? true;
    const isShared = ({ override }: Overruled): boolean =>
      this.#store.endsWithAll === true && override.kept && override.scope === undefined;
    const had = overruled.filter(wasInForce);
    return {
      ended: had.filter((one) => !isShared(one)),
      lost: had.filter(isShared),
      dormant: overruled.filter((one) => !wasInForce(one)),
    };
  }

  /** A configuration is in force, or other overrides count. */
  take({ holds }: Weighed, { lost, dormant }: Losses): void {
    const asleep = [...dormant, ...lost];
    this.#dormant = new Map(asleep.map(({ override, why }) => [seenKey(override), why]));
    this.#seen = this.#store.shared ? new Set(holds.map(seenKey)) : null;
    const before = this.#lost;
    const fresh = new Set(lost.map(({ override }) => seenKey(override)));
    this.#lost = new Set([...this.#dormant.keys()].filter((key) => before.has(key) || fresh.has(key)));
  }

  /** These are in force here. */
  remember(inForce: readonly Override[]): void {
    if (!this.#store.shared) return;
    this.#seen = new Set(inForce.map(seenKey));
    this.#store.remember?.(this.#seen, this.#lost);
  }
}

/** What became of one, and why, in a sentence. */
export function describeOverruled({ override, why }: Overruled): string {
  return `the override of ${describeTarget(override)} (${describeMaker(override)}): ${why}`;
}
