/** Who may have a value of a setting: the whole instance only, each pool, or each pool and each route. */
import type { PlacedSetting } from "./schema.ts";
import { OTHER_SECTIONS, SECTIONS } from "./schema.ts";
import type { Section } from "./setting.ts";

/** From the widest to the narrowest. */
export type Scope = "instance" | "pool" | "route";

const ALL: Readonly<Record<string, Section>> = { ...SECTIONS, ...OTHER_SECTIONS };

/** The narrowest that may have a value of its own: the declarations say it, by themselves or by who is given the value. */
export function scopeOf({ section, setting }: Pick<PlacedSetting<string>, "section" | "setting">): Scope {
  if (setting.givenTo?.request !== undefined) return "route";
  return setting.givenTo?.pool !== undefined || ALL[section].scope === "pool" ? "pool" : "instance";
}

/** Whether `scope` may have a value of its own of this setting. */
export function mayHave(scope: Scope, placed: Pick<PlacedSetting<string>, "section" | "setting">): boolean {
  const narrowest = scopeOf(placed);
  return scope === "instance" || narrowest === scope || (scope === "pool" && narrowest === "route");
}

/** Where a setting belongs that stands where it may not: `pools.NAME.queue.size`. */
export function whereItBelongs(scope: Scope, path: string): string {
  return scope === "pool"
    ? `is a pool's: write it there, as pools.NAME.${path}, or at the top of the file for all pools`
    : `is the whole instance's: write it at the top of the file, as ${path}`;
}
