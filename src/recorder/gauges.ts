/** What servers are like, as the server table says. */
import { ServerState, type SharedMemory } from "../shared/memory/layout/shared-memory.ts";
import { ownInFlight } from "../shared/memory/peers.ts";
import { readServerTable } from "../shared/memory/server-table/reader.ts";
import type { GaugeRow } from "../storage/history-store.ts";
import { type Names, nameOf } from "./names.ts";

const STATES: ReadonlyMap<number, string> = new Map([
  [ServerState.UP, "up"],
  [ServerState.DOWN, "down"],
  [ServerState.DRAINING, "draining"],
  [ServerState.EJECTED, "ejected"],
  [ServerState.STANDBY, "standby"],
  [ServerState.MAINTENANCE, "maintenance"],
]);

/** One row for each server there is. */
export function readGauges(memory: SharedMemory, names: Names, atMs: number): readonly GaugeRow[] {
  const read = readServerTable(memory, (table) =>
    names.latest.flatMap((known): GaugeRow[] => {
      const { slot, id } = known;
      const state = STATES.get(table.state[slot]);
      if (table.id[slot] !== id || state === undefined) return []; // it has gone, or is only coming
      return [
        {
          atMs,
          ...nameOf(known),
          state,
          weight: table.weight[slot],
          effectiveWeight: table.effectiveWeight[slot],
          inFlight: ownInFlight(memory, slot),
          cpuPercent: table.cpuUsagePercent[slot],
          memoryPercent: table.memoryUsagePercent[slot],
        },
      ];
    }),
  );
  return read?.value ?? [];
}
