/** Changes as they are told through Redis: what comes from there was written by others, and is looked at before it is believed. */
import { z } from "zod";
import { MAX_OVERRIDES_BYTES } from "../../../shared/operations/limits.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { overrideId } from "../../../shared/operations/override-id.ts";
import { isStamp, stampMs } from "../../../shared/operations/stamp.ts";
import { inRange, MOMENT_MS, type Range, SHARE, WEIGHT } from "../../../shared/ranges.ts";
import { readEntry, readOverride } from "../../../storage/operations/format.ts";
import { type ChangeNote, goneMs, type ReplicaEntry } from "../../../storage/operations/replicated/replica.ts";

/** Raised when an older version would misread what a newer one tells. */
const FORMAT = 1;
const MAX_TEXT_BYTES = MAX_OVERRIDES_BYTES + 65_536;
const MAX_NAME = 300;
/** Every change made later is stamped later than what was heard: there has to be room for them. The year 5138. */
const MOST_HEARD_MS = 1e14;
const CAPACITY_LIMIT: Range = { least: 0, most: 1_000_000, whole: true };
const ID = /^[0-9a-f]{12}$/;
/** Numbers that Redis gives, as texts. */
const WHOLE = /^\d{1,15}$/;

const textSchema = z.object({
  format: z.literal(FORMAT, { error: `is not of format ${FORMAT}: another version wrote it` }),
  override: z.unknown(),
  note: z.object({ instance: z.string().min(1).max(MAX_NAME), done: z.unknown() }).nullable(),
});

/** Its four arguments of the script. */
export function changeArguments(entry: ReplicaEntry): readonly string[] {
  const { id, stamp, override, note } = entry;
  const gone = goneMs(entry);
  return [
    id,
    stamp,
    `${gone === null ? 0 : Math.max(1, Math.ceil(gone))}`,
    JSON.stringify({ format: FORMAT, override, note }),
  ];
}

/** What the script answers. */
export interface ChangesAnswer {
  readonly epoch: string;
  /** The number of the last change before what was told now, and with it. */
  readonly before: number;
  readonly revision: number;
  /** Up to which of them the answer goes. */
  readonly upTo: number;
  /** It begins with the first of them: what was known before is not there any more. */
  readonly isWhole: boolean;
  /** Changes that Redis had no room for. */
  readonly full: number;
  /** Instances that say something, and whether this one is the eldest of them. */
  readonly instances: number;
  readonly isEldest: boolean;
  /** By the clock of Redis, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Keys of changes that are in force nowhere. */
  readonly nowhere: readonly string[];
  /** By id. */
  readonly values: ReadonlyMap<string, string>;
}

/** Throws an `Error` when that is none of ours. */
export function readAnswer(answer: unknown): ChangesAnswer {
  const wrong = new Error("an answer that is none of ours");
  if (!Array.isArray(answer) || answer.length < 10) throw wrong;
  const [epoch, ...all] = answer.map(String);
  const [before, revision, upTo, whole, full, instances, eldest, nowMs, nowhere, ...rest] = all;
  if (!all.slice(0, 9).every((text) => WHOLE.test(text))) throw wrong;
  const keys = rest.slice(0, Number(nowhere));
  const pairs = rest.slice(keys.length);
  if (keys.length !== Number(nowhere) || pairs.length % 2 !== 0) throw wrong;
  const values = new Map<string, string>();
  for (let i = 0; i < pairs.length; i += 2) values.set(pairs[i], pairs[i + 1]);
  return {
    epoch,
    before: Number(before),
    revision: Number(revision),
    upTo: Number(upTo),
    isWhole: whole === "1",
    full: Number(full),
    instances: Number(instances),
    isEldest: eldest === "1",
    nowMs: Number(nowMs),
    nowhere: keys,
    values,
  };
}

/** One change. Throws an `Error` that says what is not right. */
export function readChange(id: string, value: string): ReplicaEntry {
  const match = /^(\S+) \d{1,16} \d{1,16} /.exec(value);
  if (!ID.test(id) || match === null || !isStamp(match[1])) throw new Error("it is none of ours");
  if (stampMs(match[1]) > MOST_HEARD_MS) throw new Error("its time lies thousands of years ahead: no clock says that");
  if (value.length > MAX_TEXT_BYTES) throw new Error(`it has more than ${MAX_TEXT_BYTES} characters`);
  let text: unknown;
  try {
    text = JSON.parse(value.slice(match[0].length));
  } catch {
    throw new Error("it is no JSON");
  }
  const read = textSchema.safeParse(text);
  if (!read.success) {
    const { path, message } = read.error.issues[0];
    throw new Error([path.join("."), message].filter((part) => part !== "").join(": "));
  }
  const { override, note } = read.data;
  return {
    id,
    stamp: match[1],
    override: override === null ? null : soundOverride(id, override),
    note: soundNote(note),
  };
}

function soundOverride(id: string, value: unknown): Override {
  const override = readOverride(value);
  if (override.id !== id || overrideId(override) !== id) throw new Error("its id is not the one of what it changes");
  if (!override.kept || override.scope !== undefined) throw new Error("it is of one instance alone");
  const moments = [override.atMs, override.untilMs ?? 0];
  if (!moments.every((ms) => inRange(ms, MOMENT_MS))) throw new Error("its times are none");
  if (!hasSoundValue(override)) throw new Error(`its value is out of range for a ${override.kind}`);
  return override;
}

function hasSoundValue({ kind, value }: Override): boolean {
  if (kind === "weight") return inRange(value, WEIGHT);
  if (kind === "capacity") return inRange(value, CAPACITY_LIMIT);
  if (kind === "split") return Object.values(value).every((share) => inRange(share, SHARE));
  if (kind === "canary")
    return inRange(value.beganMs, MOMENT_MS) && Object.values(value.stable).every((share) => inRange(share, SHARE));
  return true;
}

function soundNote(note: { readonly instance: string; readonly done?: unknown } | null): ChangeNote | null {
  const done = note === null ? null : readEntry(note.done);
  return done === null || !inRange(done.atMs, MOMENT_MS) ? null : { instance: note!.instance, done };
}
