/** This instance as one of a cluster, as the configuration says it. */
import { hostname } from "node:os";
import { version } from "../../../../package.json";
import type { Config } from "../../../config/config.ts";
import type { ControlClock } from "../../clock.ts";
import type { ClusterOptions } from "../../cluster/cluster.ts";
import type { ControlLog } from "../../log.ts";

/** Which instance this is, of two words that nobody can guess: 16 hexadecimal digits. */
export function idOf(words: Uint32Array): string {
  return [...words.subarray(0, 2)].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** What it is called among the others: INSTANCE_NAME, or its machine's name. */
export function instanceNameOf({ database }: Pick<Config, "database">): string {
  return database.instanceName ?? hostname();
}

/** @param link `null` = there is no Redis. @param bootMs the boot clock. */
export function clusterOptions(
  config: Pick<Config, "cluster" | "database">,
  link: ClusterOptions["link"],
  id: string,
  clock: ControlClock,
  bootMs: () => number,
  log: ControlLog,
): ClusterOptions {
  const name = instanceNameOf(config);
  const sinceMs = Math.round(clock.wallMs());
  return {
    link,
    cluster: config.cluster.name,
    shares: config.cluster.share,
    id,
    bootMs,
    describe: () => ({ name, version, sinceMs }),
    log,
  };
}
