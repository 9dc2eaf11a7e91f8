/** What taking over a configuration would change: against the running instance, or against another file. */
import { type ComparedSettings, changesBetween, type SettingChange, uncomparedSecrets } from "../config/changes.ts";
import type { Config } from "../config/config.ts";
import type { EffectiveSetting } from "../config/effective.ts";
import { loadProcessConfig, type SourceFlags } from "../config/environment.ts";
import { isOfOverride } from "../config/overrides/layer.ts";
import { type AdminFlags, addressFor, askAdmin } from "./admin-client.ts";

/** What the configuration is compared with: `true` is the running instance. */
export interface DiffFlags extends SourceFlags, Partial<AdminFlags> {
  readonly diff?: string | true;
}

/** What differs, as `--json` prints it. */
export interface DiffReport {
  readonly against: string;
  readonly changes: readonly SettingChange[];
  /** What was set there at run time: a reload keeps it, unless the configuration says something else than it did then. */
  readonly overridden: readonly OverriddenSetting[];
  /** Secrets whose values are not known of both. */
  readonly uncompared: readonly string[];
}

/** One setting of the running instance that an override is about. */
export interface OverriddenSetting {
  readonly env: string;
  /** As it is in force there, and as the configuration has it; `null` = unset. */
  readonly running: string | null;
  readonly configured: string | null;
  readonly origin: string;
}

/**
 * Compares `wanted` with what `flags` name: without a file and without `--admin`, the instance that listens where `wanted`
 * says. Throws an `Error` made for the operator when that cannot be read.
 */
export async function diffOf(flags: DiffFlags, wanted: WantedConfiguration): Promise<DiffReport> {
  if (typeof flags.diff === "string") {
    const old = await loadProcessConfig({ ...flags, config: flags.diff });
    if (!old.ok) throw new Error(`${flags.diff} cannot be compared with: ${old.problems.join("\n  - ")}`);
    return { against: flags.diff, changes: changesBetween(old, wanted), overridden: [], uncompared: [] };
  }
  const where = flags.admin ?? (await addressFor(wanted.config.admin));
  const status = (await askAdmin(flags, "/api/v1/status")) as RunningStatus;
  const effective = Object.entries(status.settings).map(([env, { value }]) => ({ env, value }));
  const differing = changesBetween({ effective }, wanted);
  const originAt = (env: string): string => status.settings[env]?.origin ?? "";
  return {
    against: `the instance at ${where}`,
    changes: differing.filter(({ env }) => !isOfOverride(originAt(env))),
    overridden: differing.flatMap(({ env, from, to }) =>
      isOfOverride(originAt(env)) ? [{ env, running: from, configured: to, origin: originAt(env) }] : [],
    ),
    uncompared: uncomparedSecrets(wanted),
  };
}

/** A configuration that can be used, and what stands in it. */
type WantedConfiguration = Required<ComparedSettings> & { readonly config: Pick<Config, "admin"> };

/** What this needs of the admin API's status. */
interface RunningStatus {
  readonly settings: Readonly<Record<string, Pick<EffectiveSetting, "value" | "origin">>>;
}
