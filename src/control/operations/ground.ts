/** What overrides lie over: the configuration, and the servers that it makes. */

import type { LoadedConfig } from "../../config/load.ts";
import type { Configured } from "../../config/overrides/configured.ts";
import type { Override, OverrideTarget } from "../../shared/operations/override.ts";

/** What is configured, without any override. */
export interface ConfiguredValues {
  configured(target: OverrideTarget): Configured;
  /** Does it replace what is configured? */
  isOf(override: Override): boolean;
}

/** How overrides come into force. */
export interface Applying {
  /** Who wants it, as events have it. */
  readonly actor: string;
  /** The configuration was taken over with them already: only the servers are still to hear. Default: false. */
  readonly layered?: boolean;
}

/** What changes are made to. */
export interface Ground {
  /** As it was loaded last, without overrides. */
  readonly loaded: LoadedConfig;
  readonly values: ConfiguredValues;
  /** What speaks against these being in force together; empty = nothing. */
  problems(overrides: readonly Override[]): readonly string[];
  /**
   * They are in force from now on, and what was before is not. Rejects with an `Error` for the operator, and nothing has
   * changed then.
   */
  apply(overrides: readonly Override[], how: Applying): Promise<void>;
  /** Resolves when all workers go by what was applied, or some time has passed. */
  told(): Promise<void>;
}
