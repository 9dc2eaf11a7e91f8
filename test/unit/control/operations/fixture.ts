/** Overrides for tests. */

import type { Override, OverrideTarget } from "../../../../src/shared/operations/override.ts";
import { overrideId } from "../../../../src/shared/operations/override-id.ts";

/** One with what is said of it; who made it and when are made up. */
export function override(
  what: OverrideTarget & { readonly value: unknown; readonly configured: unknown },
  more: Partial<Pick<Override, "atMs" | "untilMs" | "kept" | "reason">> = {},
): Override {
  const made = { by: "deploy", client: "10.0.0.7", reason: "", atMs: 1_000, untilMs: null, kept: true };
  return { ...made, ...what, id: overrideId(what), ...more } as Override;
}

/** A setting of the instance, or of a pool. */
export function setting(name: string, value: string | null, configured: string | null, pool: string | null = null) {
  return override({ kind: "setting", target: { pool, setting: name }, value, configured });
}

/** A server of the pool `default`. */
export const SERVER = { pool: "default", server: "backend-1:8001", address: "" } as const;
