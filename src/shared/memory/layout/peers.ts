/** What the other instances of a cluster have in flight, as this instance counts it: a part of the totals of the server table. */
import type { Carver } from "./carver.ts";

/** Words of `PeerTable.figures`. Writer: supervisor, unless said otherwise. */
export const PeerFigure = {
  /** 1 = this instance shares what is in flight. Set before there are workers. */
  SHARED: 0,
  /** When the others were heard, boot clock, milliseconds; 0 = nothing of theirs is in the totals. Workers clear it, too. */
  HEARD_MS: 1,
  LENGTH: 8,
} as const;

/** Without a word of the others for so long nothing of theirs is believed, milliseconds. */
export const STALE_PEERS_MS = 2_000;

/**
 * Columns indexed by slot, each a part of the column of that name in `ServerTable`: as the blocks of workers are. Writers: supervisor;
 * workers, to take out what is stale (`shared/memory/peers.ts`, `Atomics`).
 */
export interface PeerTable {
  readonly figures: Float64Array;
  readonly inFlight: Int32Array;
  readonly workInFlight: Int32Array;
  readonly transferring: Int32Array;
}

/** @param servers how many slots there are. */
export function carvePeers(c: Carver, servers: number): PeerTable {
  return {
    figures: c.float64(PeerFigure.LENGTH),
    inFlight: c.int32(servers),
    workInFlight: c.int32(servers),
    transferring: c.int32(servers),
  };
}
