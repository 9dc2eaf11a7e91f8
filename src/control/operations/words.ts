/** Overrides in words. */
import { sharesAt } from "../../shared/operations/canary.ts";
import type { Override, OverrideTarget, ServerTarget } from "../../shared/operations/override.ts";
import { changeInWords, valueInWords } from "../../shared/operations/words.ts";
import { shortened } from "../../shared/shortened.ts";

/** Of a value a sentence shows so much. */
const SHOWN = 120;

/** What an override is about: `the weight of server 10.0.0.5:3000 of pool default`. */
export function describeTarget(of: OverrideTarget): string {
  switch (of.kind) {
    case "weight":
    case "capacity":
    case "state": {
      return `the ${of.kind} of ${describeServer(of.target)}`;
    }
    case "server_added":
      return `the server ${of.target.url} added to pool ${of.target.pool}`;
    case "server_removed":
      return `the server ${of.target.url} removed from pool ${of.target.pool}`;
    case "setting":
      return of.target.pool === null ? of.target.setting : `${of.target.setting} of pool ${of.target.pool}`;
    case "rate_limit":
      return `rate limit ${of.target.limit}`;
    case "split":
      return `the split of route ${of.target.route}`;
    case "canary":
      return `the canary of route ${of.target.route}`;
  }
}

/** What one sets, in the terms of what it replaced: of a canary the shares of the route's pools. */
export function comparableValue(override: Override): unknown {
  return override.kind === "canary" ? sharesAt(override.value, override.value.percent) : override.value;
}

/** Why an override does not end in one instance alone, in a sentence; none = it is of that one. */
export function whyNotHere(override: Override): string[] {
  if (!override.kept || override.scope === "instance") return [];
  const what = describeTarget(override);
  return [`${what} was changed in all instances: end it there, or with keep=false in this run of this instance`];
}

/** A server of a pool: `server 10.0.0.5:3000 of pool default`. */
export function describeServer({ pool, server, address }: ServerTarget): string {
  return `server ${server}${address === "" ? "" : ` (${address})`} of pool ${pool}`;
}

/** A value in a sentence: of a long one its beginning. */
export function mentionValue(value: unknown): string {
  return shortened(valueInWords(value), SHOWN);
}

/** What became of a value, in a sentence: of a long one its beginning. */
export function mentionChange(before: unknown, after: unknown): string {
  return shortened(changeInWords(before, after), 2 * SHOWN);
}
