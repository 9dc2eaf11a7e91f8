/** Ids of overrides: of kind and target, so that each thing has one override, whichever instance makes it. */
import { createHash } from "node:crypto";
import type { OverrideTarget } from "./override.ts";

const LENGTH = 12;

/** The id of the override of this kind and target. */
export function overrideId({ kind, target }: OverrideTarget): string {
  const fields = Object.entries(target).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([kind, fields]))
    .digest("hex")
    .slice(0, LENGTH);
}
