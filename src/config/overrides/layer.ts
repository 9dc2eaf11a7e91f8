/** Overrides as a layer over the sources of the configuration: they are read and checked as what stands in a file is. */
import { describeMaker } from "../../shared/operations/maker.ts";
import type { Override, OverrideOf } from "../../shared/operations/override.ts";
import { FILE_SECTIONS, settingAt } from "../file-keys.ts";
import type { SettingsSource } from "../sources/source.ts";
import type { Variable } from "../sources/variable.ts";
import { settingCalled, whyNotOverridable } from "./overridable.ts";

/** Kinds of overrides that change what is configured; the others are the fleet's. */
export type ConfiguredOverride =
  | OverrideOf<"setting">
  | OverrideOf<"server_added">
  | OverrideOf<"server_removed">
  | OverrideOf<"split">
  | OverrideOf<"rate_limit">
  | OverrideOf<"canary">;

/** Does it change what is configured? */
export function isConfigured(override: Override): override is ConfiguredOverride {
  return ["setting", "server_added", "server_removed", "split", "canary", "rate_limit"].includes(override.kind);
}

/** With this begins the origin of what an override says. */
const OVERRIDE = "override ";

/** Whether what has this origin was set at run time, and so stays when the configuration is read again. */
export function isOfOverride(origin: string): boolean {
  return origin.startsWith(OVERRIDE);
}

/** Where what an override says stands: `override by deploy, 2026-11-29T02:10Z`. */
export function originOf(override: Pick<Override, "by" | "atMs">): string {
  return `${OVERRIDE}${describeMaker(override)}`;
}

/** Overrides laid over a configuration. */
export class OverrideLayer {
  readonly #overrides: readonly ConfiguredOverride[];

  constructor(overrides: readonly Override[]) {
    this.#overrides = overrides.filter(isConfigured);
  }

  /** Settings of the whole instance, in front of all other sources. */
  get source(): SettingsSource {
    return { name: "overrides", read: () => ({ variables: this.#variables(null), problems: [] }) };
  }

  /** Nothing is overridden. */
  get empty(): boolean {
    return this.#overrides.length === 0;
  }

  /** What this pool has of its own, whatever the file says. */
  ofPool(pool: string): readonly Variable[] {
    return this.#variables(pool);
  }

  /** In the order in which they were made. */
  of<K extends ConfiguredOverride["kind"]>(kind: K): readonly OverrideOf<K>[] {
    return this.#overrides.filter((override) => override.kind === kind) as unknown as readonly OverrideOf<K>[];
  }

  /** What cannot be overridden, whatever it is set to. */
  problems(): string[] {
    return this.of("setting").flatMap((override) => {
      const { setting, pool } = override.target;
      const why = whyNotOverridable(setting, pool) ?? whyNotUnset(override);
      return why === null ? [] : [`${why} (${originOf(override)})`];
    });
  }

  #variables(pool: string | null): Variable[] {
    return this.of("setting").flatMap((override) => {
      const { target, value } = override;
      if (target.pool !== pool || whyNotOverridable(target.setting, pool) !== null) return [];
      const key = pool === null ? undefined : `pools.${pool}.${pathOf(target.setting)}`;
      const variable = { name: target.setting, origin: originOf(override), inFile: true, ...(key && { key }) };
      return [value === null ? { ...variable, value: "", unset: true as const } : { ...variable, value }];
    });
  }
}

function whyNotUnset({ target, value }: OverrideOf<"setting">): string | null {
  if (value !== null) return null;
  const placed = settingCalled(target.setting);
  const mayBe = placed !== undefined && placed.setting.default === null && !placed.setting.required;
  return mayBe ? null : `${target.setting} cannot be unset: it always has a value`;
}

const PATHS: ReadonlyMap<string, string> = new Map(
  FILE_SECTIONS.flatMap(({ settings }) => settings.map(({ setting, path }) => [setting.env, path])),
);

function pathOf(env: string): string {
  return PATHS.get(env) ?? settingAt(env)?.path ?? env;
}
