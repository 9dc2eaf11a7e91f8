/** The label that names a pool. It is there where the configuration has pools or routes of its own. */
import type { Labels } from "./definition.ts";
import type { MetricsSource } from "./source.ts";

/** Of what belongs to no pool, or to one that nobody remembers. */
export const NO_POOL = "none";
const NONE: Labels = Object.freeze({});

/** By the name of a pool. */
export function labelOfPool({ topology }: Pick<MetricsSource, "topology">): (pool: string) => Labels {
  return topology().labelled ? (pool) => ({ pool }) : () => NONE;
}

/** By the id of a server, also of one that has gone. */
export function labelOfServersPool({ topology }: Pick<MetricsSource, "topology">): (serverId: number) => Labels {
  const { labelled, poolOf } = topology();
  return labelled ? (serverId) => ({ pool: poolOf(serverId) ?? NO_POOL }) : () => NONE;
}
