/**
 * What all instances know of the overrides: of each thing the change that was made last, also where that was its end. Two that
 * have heard of the same changes have the same, in whatever order and however often they heard of them. Pure.
 */
import type { AuditEntry } from "../../../shared/operations/audit.ts";
import { MAX_OVERRIDES, MAX_OVERRIDES_BYTES } from "../../../shared/operations/limits.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { stampMs } from "../../../shared/operations/stamp.ts";

/** What was done, and at which instance. */
export interface ChangeNote {
  readonly instance: string;
  readonly done: AuditEntry;
}

/** The last change of one thing. */
export interface ReplicaEntry {
  /** Of the override. */
  readonly id: string;
  /** When: of two changes of one id the greater one counts. */
  readonly stamp: string;
  /** `null` = it ended. */
  readonly override: Override | null;
  /** `null` = nobody knows: it was made before instances shared anything. */
  readonly note: ChangeNote | null;
}

/** That something ended is remembered for a week: who was away for longer brings it back. */
export const REMEMBERED_MS = 7 * 86_400_000;
/** Things that are known of at most, those that have ended included. */
export const MAX_ENTRIES = 4 * MAX_OVERRIDES;

/** When it need not be remembered any more, milliseconds since the epoch; `null` = it is in force until somebody ends it. */
export function goneMs({ override, stamp }: Pick<ReplicaEntry, "override" | "stamp">): number | null {
  if (override === null) return stampMs(stamp) + REMEMBERED_MS;
  return override.untilMs === null ? null : override.untilMs + REMEMBERED_MS;
}

/** What counts by it in one instance. */
export interface ReplicaView {
  readonly overrides: readonly Override[];
  /** So many more would: there are more than may be kept, and these were made last. */
  readonly left: number;
}

const NOBODY: ReadonlySet<string> = new Set();

/** One instance's. */
export class Replica {
  readonly #entries: Map<string, ReplicaEntry>;

  constructor(entries: Iterable<ReplicaEntry> = []) {
    this.#entries = new Map();
    this.merge(entries);
  }

  /** By id. */
  get entries(): ReadonlyMap<string, ReplicaEntry> {
    return this.#entries;
  }

  /** @returns those that were news. */
  merge(entries: Iterable<ReplicaEntry>): ReplicaEntry[] {
    const taken: ReplicaEntry[] = [];
    for (const entry of entries) {
      const known = this.#entries.get(entry.id);
      if (known !== undefined && known.stamp >= entry.stamp) continue;
      this.#entries.set(entry.id, entry);
      taken.push(entry);
    }
    return taken;
  }

  /** Forgets what need not be remembered, and of what has ended the oldest where there is no room. */
  tidy(wallMs: number): void {
    for (const [id, entry] of this.#entries) if ((goneMs(entry) ?? Infinity) <= wallMs) this.#entries.delete(id);
    const excess = this.#entries.size - MAX_ENTRIES;
    if (excess <= 0) return;
    const over = [...this.#entries.values()].filter((entry) => isOver(entry, wallMs));
    for (const { id } of over.sort(byStamp).slice(0, excess)) this.#entries.delete(id);
  }

  /**
   * What counts: what is of this instance alone, over what is of all.
   * @param own by id. @param wallMs milliseconds since the epoch: whose time is over does not count,
   * @param held but those with these stamps: whoever follows them ends them.
   */
  view(own: ReadonlyMap<string, Override>, wallMs: number, held: ReadonlySet<string> = NOBODY): ReplicaView {
    const counts = (entry: ReplicaEntry): boolean =>
      !own.has(entry.id) && entry.override !== null && (held.has(entry.stamp) || !isOver(entry, wallMs));
    const live = [...this.#entries.values()].filter(counts).sort(byStamp);
    const overrides: Override[] = [...own.values()];
    let bytes = Buffer.byteLength(JSON.stringify(overrides));
    let taken = 0;
    for (const { override } of live) {
      bytes += Buffer.byteLength(JSON.stringify(override)) + 1;
      if (overrides.length >= MAX_OVERRIDES || bytes > MAX_OVERRIDES_BYTES) break;
      overrides.push(override!);
      taken++;
    }
    return { overrides, left: live.length - taken };
  }
}

function isOver({ override }: ReplicaEntry, wallMs: number): boolean {
  return override === null || (override.untilMs !== null && override.untilMs <= wallMs);
}

function byStamp(a: ReplicaEntry, b: ReplicaEntry): number {
  return a.stamp < b.stamp ? -1 : 1;
}
