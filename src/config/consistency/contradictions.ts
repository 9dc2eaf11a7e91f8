/** What is found when settings are compared with each other. */
import type { Sections } from "../schema.ts";

/** A configuration in which the settings with wrong values are missing. */
export type PartialConfig = { readonly [S in keyof Sections]: Partial<Sections[S]> };

/** Sentences that call settings as the environment does. */
export interface Contradictions {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}
