/**
 * What the supervisor and a process that asks the simulator what to expect of strategies tell each other: JSON on its standard input
 * and output. The place of the store may hold a password, which is no business of a command line.
 */
import type { Expectations } from "../shared/expectations.ts";
import type { StoreLocation } from "../storage/backends.ts";

/** On standard input. */
export interface ExpectationTask {
  readonly store: StoreLocation;
  readonly pool: string;
  /** So much traffic up to now. */
  readonly windowMs: number;
  /** Names of registered ones, beside the one that ran; `null` = all of which a simulation can say something. */
  readonly strategies: readonly string[] | null;
}

/** On standard output. */
export type ExpectationResult =
  | { readonly kind: "answer"; readonly answer: Expectations }
  /** The store cannot be read: a sentence. */
  | { readonly kind: "store"; readonly message: string };
