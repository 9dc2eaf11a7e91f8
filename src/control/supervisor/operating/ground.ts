/** What overrides lie over in a running instance. */

import type { LoadedConfig } from "../../../config/load.ts";
import { type Configured, configuredOf, replaces } from "../../../config/overrides/configured.ts";
import { isConfigured } from "../../../config/overrides/layer.ts";
import type { Override, OverrideTarget } from "../../../shared/operations/override.ts";
import { historyName } from "../../../shared/server-name.ts";
import type { Fleets } from "../../fleet/fleets.ts";
import { OperatedServers } from "../../fleet/operated.ts";
import type { Applying, ConfiguredValues, Ground } from "../../operations/ground.ts";
import { type ConfigurationInForce, problemsOf } from "../configuration.ts";

/** Workers that are told of a change get so long to say that they know. */
const TOLD_MS = 5_000;

/** What it is made from. */
export interface InstanceGroundOptions {
  readonly configuration: Pick<ConfigurationInForce, "loaded" | "config" | "relayer">;
  /** `null` before there are any. */
  readonly fleets: () => Pick<Fleets, "operate" | "recorded"> | null;
  /** Resolves when all workers go by the configuration. */
  readonly told: () => Promise<void>;
}

/** One instance's. */
export class InstanceGround implements Ground {
  readonly #options: InstanceGroundOptions;
  /** Those in force that change what is configured. */
  #layer = keyOf([]);

  constructor(options: InstanceGroundOptions) {
    this.#options = options;
  }

  get loaded(): LoadedConfig {
    return this.#options.configuration.loaded;
  }

  readonly values: ConfiguredValues = {
    configured: (target) => this.#configured(target),
    isOf: (override) => replaces(override, this.#configured(override)),
  };

  problems(overrides: readonly Override[]): readonly string[] {
    const wanted = overrides.filter(isConfigured);
    if (keyOf(wanted) === this.#layer) return [];
    const layered = this.loaded.over(wanted);
    return layered.ok ? [] : layered.problems;
  }

  async apply(overrides: readonly Override[], { actor, layered = false }: Applying): Promise<void> {
    const wanted = overrides.filter(isConfigured);
    const key = keyOf(wanted);
    if (layered) this.#layer = key;
    else if (key !== this.#layer) {
      try {
        await this.#options.configuration.relayer(wanted, actor);
      } catch (error) {
        throw new Error(problemsOf(error).join("; "));
      }
      this.#layer = key;
    }
    this.#options.fleets()?.operate(new OperatedServers(overrides));
  }

  async told(): Promise<void> {
    await Promise.race([this.#options.told(), Bun.sleep(TOLD_MS)]);
  }

  #configured(target: OverrideTarget): Configured {
    const { configuration, fleets } = this.#options;
    const configured = configuredOf(configuration.loaded, target, configuration.config);
    if (configured.kind !== "unknown" || (target.kind !== "weight" && target.kind !== "capacity")) return configured;
    const { pool, server, address } = target.target;
    const found = fleets()
      ?.recorded()
      .find((one) => {
        const name = historyName(one);
        return one.pool === pool && name.server === server && name.address === address;
      });
    return found === undefined ? configured : { kind: "value", value: found[target.kind] };
  }
}

/** The same for the same overrides. */
function keyOf(overrides: readonly Override[]): string {
  const keys = overrides.map(({ id, atMs, value }) => [id, atMs, JSON.stringify(value)]);
  return JSON.stringify(keys.sort());
}
