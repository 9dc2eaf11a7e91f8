/** What overrides lie over: the configuration, and the servers that it makes. */
import type { Override, OverrideTarget } from "../../shared/operations/override.ts";

/** What is configured of a target; `unknown` = only a source of addresses can tell. */
export type Configured =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "unknown" }
  /** There is no such target: `why` says what is missing. */
  | { readonly kind: "gone"; readonly why: string };

/** What is configured, without any override. */
export interface ConfiguredValues {
  configured(target: OverrideTarget): Configured;
  /** Does it replace what is configured? */
  isOf(override: Override): boolean;
}

/** What changes are made to. */
export interface Ground {
  /** As it was loaded last. */
  readonly values: ConfiguredValues;
  /** What speaks against these being in force together; empty = nothing. */
  problems(overrides: readonly Override[]): readonly string[];
  /**
   * They are in force from now on, and what was before is not. Rejects with an `Error` for the operator, and nothing has
   * changed then. Resolves when all workers go by them, or some time has passed.
   */
  apply(overrides: readonly Override[]): Promise<void>;
}
