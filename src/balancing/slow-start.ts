/**
 * How slow start reaches every strategy; the one place where it is explained.
 *
 * A new or recovered server takes its share gradually: the supervisor lets the factor `effectiveWeight / weight` grow
 * from nearly 0 to 1. What a strategy makes of it:
 *
 * - `weighted_round_robin`, `random`: the share is proportional to `effectiveWeight`.
 * - `least_connections`, `p2c`, `peak_ewma`, `least_response_time`, `adaptive`: the load is divided by `effectiveWeight`, so
 *   a server at a tenth of its weight looks ten times as loaded and takes requests once the others have ten times its
 *   load.
 * - `consistent_hash`: the server owns keys in proportion to `effectiveWeight` and its bound scales with it; the keys
 *   move to it a few at a time.
 * - `round_robin` knows no weights. It passes the turn of a server over with probability `1 - factor`, which is what
 *   `admits` decides.
 */
import type { FleetView } from "./strategy.ts";

/** Whether the server in `slot` takes its turn: always after slow start, with probability `factor` during it. */
export function admits(fleet: FleetView, slot: number, random: () => number): boolean {
  const effective = fleet.effectiveWeight[slot];
  const full = fleet.weight[slot];
  return effective >= full || random() * full < effective;
}
