/** Who made an override, in words. */
import type { OverrideRecord } from "./override.ts";

/** And when: `by deploy, 2026-11-29T02:10Z`. */
export function describeMaker({ by, atMs }: Pick<OverrideRecord, "by" | "atMs">): string {
  return `by ${by}, ${new Date(atMs).toISOString().slice(0, 16)}Z`;
}
