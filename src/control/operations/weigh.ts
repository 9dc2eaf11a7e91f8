/** Which overrides hold over a configuration, and which have lost to it. Pure but for what the configuration is read from. */

import type { LoadedConfig } from "../../config/load.ts";
import { configuredOf, replaces } from "../../config/overrides/configured.ts";
import { isConfigured } from "../../config/overrides/layer.ts";
import type { Override } from "../../shared/operations/override.ts";
import { mentionValue } from "./words.ts";

/** One that has lost. */
export interface Overruled {
  readonly override: Override;
  /** Goes on from "it ends: ". */
  readonly why: string;
  /** What is configured now; `undefined` = there is no such target. */
  readonly now: unknown;
}

/** What became of all. */
export interface Weighed {
  readonly holds: readonly Override[];
  readonly overruled: readonly Overruled[];
  /** The configuration with those that hold. */
  readonly layered: LoadedConfig;
}

/** Weighs them. A changed configuration wins, and so does one that cannot be used with an override. */
export function weigh(overrides: readonly Override[], loaded: LoadedConfig): Weighed {
  const overruled: Overruled[] = [];
  const inOrder = overrides.toSorted((a, b) => a.atMs - b.atMs);
  const compare = (override: Override, layered: LoadedConfig): boolean => {
    const configured = configuredOf(loaded, override, layered.config);
    if (replaces(override, configured)) return true;
    const { value: now } = configured as { readonly value?: unknown };
    const why =
      configured.kind === "gone"
        ? configured.why
        : `the configuration says ${mentionValue(now)} now, and said ${mentionValue(override.configured)} when it was made`;
    overruled.push({ override, why, now });
    return false;
  };
  const wanted = inOrder.filter((override) => isConfigured(override) && compare(override, loaded));
  const { usable, layered } = usableOf(wanted, loaded, overruled);
  const ofServers = inOrder.filter((override) => !isConfigured(override) && compare(override, layered));
  return { holds: [...usable, ...ofServers], overruled, layered };
}

/** The most of them, from the oldest on, with which the configuration can be used. */
function usableOf(
  wanted: readonly Override[],
  loaded: LoadedConfig,
  overruled: Overruled[],
): { readonly usable: readonly Override[]; readonly layered: LoadedConfig } {
  let usable: readonly Override[] = [];
  let layered = loaded;
  let rest = wanted;
  while (rest.length > 0) {
    // Of so many of the rest it is known that they can be, and of so many that they cannot.
    let can = 0;
    let cannot = rest.length + 1;
    let why = "";
    for (let count = rest.length; cannot - can > 1; count = (can + cannot) >> 1) {
      const tried = loaded.over([...usable, ...rest.slice(0, count)]);
      if (tried.ok) {
        can = count;
        layered = tried;
      } else {
        cannot = count;
        why = tried.problems[0];
      }
    }
    usable = [...usable, ...rest.slice(0, can)];
    if (can < rest.length)
      overruled.push({
        override: rest[can],
        now: rest[can].configured,
        why: `the configuration cannot be used with it: ${why}`,
      });
    rest = rest.slice(can + 1);
  }
  return { usable, layered };
}
