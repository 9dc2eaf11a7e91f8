/** This instance as one of a cluster, as the configuration says it. */
import { hostname } from "node:os";
import { version } from "../../../../package.json";
import type { Config } from "../../../config/config.ts";
import type { ControlClock } from "../../clock.ts";
import type { ClusterOptions } from "../../cluster/cluster.ts";
import { OwnNumbers, type OwnNumbersOptions } from "../../cluster/own-numbers.ts";
import type { ControlLog } from "../../log.ts";

/** Which instance this is, of two words that nobody can guess: 16 hexadecimal digits. */
export function idOf(words: Uint32Array): string {
  return [...words.subarray(0, 2)].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** What it tells the others. */
export type OwnPlaces = Pick<OwnNumbersOptions, "memory" | "servers">;

/** @param link `null` = there is no Redis. @param bootMs the boot clock. */
export function clusterOptions(
  { cluster, database }: Pick<Config, "cluster" | "database">,
  link: ClusterOptions["link"],
  id: string,
  clock: ControlClock,
  bootMs: () => number,
  log: ControlLog,
  places: OwnPlaces,
): ClusterOptions {
  const { share } = cluster;
  const own = new OwnNumbers({ ...places, inFlight: share.includes("in_flight"), health: share.includes("health") });
  const name = database.instanceName ?? hostname();
  const sinceMs = Math.round(clock.wallMs());
  return {
    link,
    cluster: cluster.name,
    id,
    bootMs,
    describe: () => ({ name, version, sinceMs, figures: {} }),
    servers: () => own.read(),
    log,
  };
}
