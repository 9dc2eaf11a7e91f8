/**
 * What the supervisor and a process that answers one question about history tell each other: JSON on its standard input and
 * output. The place of the store may hold a password, which is no business of a command line.
 */
import type { StoreLocation } from "../storage/backends.ts";

/** On standard input. */
export interface HistoryQuestionTask {
  readonly store: StoreLocation;
  /** `traffic`, `events` and so on. */
  readonly subject: string;
  /** As they were written. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** On standard output. */
export type HistoryQuestionResult =
  | { readonly kind: "answer"; readonly answer: object }
  /** The question cannot be understood, or its answer would be too large: a sentence. */
  | { readonly kind: "question"; readonly message: string }
  /** The store cannot be read: a sentence. */
  | { readonly kind: "store"; readonly message: string };
