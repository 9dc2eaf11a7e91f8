/** Overrides that an operator ends: `DELETE /api/v1/overrides…`. */
import type { ShownOverride } from "../../operations/operations.ts";
import { comparableValue, describeTarget } from "../../operations/words.ts";
import { ApiError } from "../responses.ts";
import type { Plan } from "./make-change.ts";

/** What the tag of one is of: an override is never changed, but another takes its place. */
export function overrideTag({ id, atMs, value, untilMs }: ShownOverride): unknown {
  return { id, atMs, value, untilMs };
}

/** The one with this id; throws 404. */
export function overrideCalled(id: string, overrides: readonly ShownOverride[]): ShownOverride {
  const override = overrides.find((one) => one.id === id);
  if (override !== undefined) return override;
  throw new ApiError(404, "unknown_override", `there is no override ${id}: GET /api/v1/overrides lists them`);
}

/** What it replaced is in force again. Throws an `ApiError`. @param overrides all that there are. */
export function planEnd(id: string, overrides: readonly ShownOverride[]): Plan {
  const override = overrideCalled(id, overrides);
  return {
    action: "override.remove",
    target: describeTarget(override),
    remove: [id],
    before: comparableValue(override),
    after: override.configured,
    present: overrideTag(override),
    warnings: [],
  };
}

/** Everything is as configured. @param overrides all that there are. */
export function planEndOfAll(overrides: readonly ShownOverride[]): Plan {
  return {
    action: "override.clear",
    target: "all overrides",
    remove: overrides.map(({ id }) => id),
    before: overrides.length,
    after: 0,
    present: overrides.map(overrideTag),
    warnings: [],
  };
}
