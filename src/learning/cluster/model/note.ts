/** What an instance must know of a shared model after a restart: its store keeps it. */
import { z } from "zod";
import type { ModelSource } from "./published-model.ts";

/** What was found bad here is remembered: so many models. */
export const MOST_REFUSED = 16;

/** What must be known after a restart. */
export interface SharedModelNote {
  /** The highest number that was heard of. */
  readonly floor: number;
  /** What was taken last of what was published, or published here; `version` is `null` where it could not be used. */
  readonly taken: {
    readonly revision: number;
    readonly version: number | null;
    readonly checksum: string;
    readonly source: ModelSource;
  } | null;
  /** Checksums of models that turned out bad here, or for all. */
  readonly refused: readonly string[];
  /** An operator's choice that Redis has not been told of. */
  readonly ordered: boolean;
  /** The champion was promoted here, and the others know nothing of it: what is published takes its place, unless it is published. */
  readonly strayed: boolean;
}

const note = z.object({
  floor: z.int().min(0).max(1e15),
  taken: z
    .object({
      revision: z.int().min(1).max(1e15),
      version: z.int().min(1).nullable(),
      checksum: z.string().max(64),
      source: z.custom<ModelSource>((value) => typeof value === "object" && value !== null),
    })
    .nullable(),
  refused: z.array(z.string().max(64)).max(MOST_REFUSED),
  ordered: z.boolean(),
  strayed: z.boolean(),
});

const NOTHING: SharedModelNote = { floor: 0, taken: null, refused: [], ordered: false, strayed: false };

/** What was kept, or nothing where it cannot be gone on with. */
export function readSharedModelNote(kept: unknown): SharedModelNote {
  return note.safeParse(kept).data ?? NOTHING;
}
