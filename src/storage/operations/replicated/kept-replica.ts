/** What a file keeps of a replica beside the overrides that count: whatever is found there is looked at before it is believed. */
import { z } from "zod";
import type { Override } from "../../../shared/operations/override.ts";
import { type HybridClock, isStamp, stampOf } from "../../../shared/operations/stamp.ts";
import { readEntry, readOverride } from "../format.ts";
import { type ChangeNote, MAX_ENTRIES, type ReplicaEntry } from "./replica.ts";

/** One entry in the file. */
interface KeptEntry {
  readonly id: string;
  readonly stamp: string;
  readonly note: ChangeNote | null;
  /** When the override was made that counts, and stands there; `null` = it does not stand there. */
  readonly atMs: number | null;
  /** One that does not count here; `null` = it has ended, or it stands there. */
  readonly override: Override | null;
}

/** The whole. */
export interface KeptReplica {
  readonly entries: readonly KeptEntry[];
  readonly seen: readonly string[];
  readonly lost: readonly string[];
}

const keys = z.array(z.string().max(100)).max(2 * MAX_ENTRIES);
const schema = z.object({
  entries: z
    .array(
      z.object({
        id: z.string().regex(/^[0-9a-f]{12}$/),
        stamp: z.string().refine(isStamp),
        note: z.object({ instance: z.string().max(300), done: z.unknown() }).nullable(),
        atMs: z.number().nullable(),
        override: z.unknown(),
      }),
    )
    .max(MAX_ENTRIES),
  seen: keys,
  lost: keys,
});

/** What is written. @param counting the overrides that count, by id. */
export function writeReplica(
  entries: Iterable<ReplicaEntry>,
  counting: ReadonlyMap<string, Override>,
  seen: ReadonlySet<string>,
  lost: ReadonlySet<string>,
): KeptReplica {
  const written = Array.from(entries, ({ id, stamp, note, override }): KeptEntry => {
    const counts = override !== null && counting.get(id) === override;
    return { id, stamp, note, atMs: counts ? override.atMs : null, override: counts ? null : override };
  });
  return { entries: written, seen: [...seen], lost: [...lost] };
}

/** What was read. */
export interface ReadReplica {
  readonly entries: readonly ReplicaEntry[];
  /** Those of this instance alone. */
  readonly own: readonly Override[];
  readonly seen: ReadonlySet<string>;
  readonly lost: ReadonlySet<string>;
  /** What was there could not be read: it is as if there were only the overrides. */
  readonly damaged: boolean;
}

/**
 * Reads it. What was changed while nothing was shared counts as changed now.
 * @param overrides those that count. @param instance whose stamps are given to what has none.
 */
export function readReplica(
  more: unknown,
  overrides: readonly Override[],
  clock: HybridClock,
  instance: string,
): ReadReplica {
  const read = more === undefined ? null : schema.safeParse(more);
  const kept = read?.success ? read.data : null;
  const own = overrides.filter(({ scope }) => scope === "instance");
  const counting = new Map(overrides.filter(({ scope }) => scope === undefined).map((one) => [one.id, one]));
  const entries: ReplicaEntry[] = [];
  for (const { stamp } of kept?.entries ?? []) clock.hear(stamp);
  for (const { id, stamp, note, atMs, override } of kept?.entries ?? []) {
    const counted = counting.get(id);
    counting.delete(id);
    if (counted !== undefined && counted.atMs !== atMs) {
      entries.push({ id, stamp: clock.next(), override: counted, note: null });
    } else if (counted === undefined && atMs !== null) {
      entries.push({ id, stamp: clock.next(), override: null, note: null });
    } else {
      const known = counted ?? overrideOf(override);
      // What cannot be read is not known: it is no end.
      if (known !== undefined) entries.push({ id, stamp, override: known, note: noteOf(note) });
    }
  }
  for (const override of counting.values()) {
    entries.push({ id: override.id, stamp: stampOf(override.atMs, instance), override, note: null });
  }
  return {
    entries,
    own,
    // Before anything was shared, all that was kept was in force.
    seen: new Set(kept?.seen ?? overrides.map(({ id, atMs }) => `${id}@${atMs}`)),
    lost: new Set(kept?.lost),
    damaged: read !== null && !read.success,
  };
}

function overrideOf(value: unknown): Override | null | undefined {
  try {
    return value === null ? null : readOverride(value);
  } catch {
    return undefined;
  }
}

function noteOf(note: { readonly instance: string; readonly done?: unknown } | null): ChangeNote | null {
  const done = note === null ? null : readEntry(note.done);
  return done === null ? null : { instance: note!.instance, done };
}
