/**
 * Keeps what other instances have in flight in the totals of the server table. Each number stands twice, in the total and in the part
 * of the others, and is written by several processes: the supervisor, which hears it, and workers, which take it out when the
 * supervisor is silent. Between the two writes the own part, which is the difference, looks smaller than it is and never larger:
 * no server looks full that is not.
 */
import { PeerFigure, type PeerTable, STALE_PEERS_MS } from "./layout/peers.ts";
import type { ServerTable, SharedMemory } from "./layout/shared-memory.ts";

/** The columns that have a part of the others. */
const COLUMNS = ["inFlight", "workInFlight", "transferring"] as const;

/** What others have in flight, columns by slot. */
export type PeerColumns = Readonly<Record<(typeof COLUMNS)[number], Int32Array>>;

type PeerMemory = Pick<SharedMemory, "servers" | "peers">;

/** Makes the part of the others what `to` has, in all slots. @param heardMs when that was heard, boot clock. */
export function setPeers({ servers, peers }: PeerMemory, to: PeerColumns, heardMs: number): void {
  peers.figures[PeerFigure.HEARD_MS] = heardMs; // before the numbers: whoever finds them finds how old they are
  for (const name of COLUMNS) {
    for (let slot = 0; slot < peers[name].length; slot++) move(servers[name], peers[name], slot, to[name][slot]);
  }
}

/** Nothing of the others is in the totals any more. */
export function forgetPeers({ servers, peers }: PeerMemory): void {
  for (let slot = 0; slot < peers.inFlight.length; slot++) forgetPeersAt(servers, peers, slot);
  peers.figures[PeerFigure.HEARD_MS] = 0;
}

/** The slot is to be another server's. */
export function forgetPeersAt(servers: ServerTable, peers: PeerTable, slot: number): void {
  for (const name of COLUMNS) move(servers[name], peers[name], slot, 0);
}

/** Takes out what was heard too long ago. @param bootMs boot clock, milliseconds; asked for only where something was heard. */
export function forgetStalePeers(memory: PeerMemory, bootMs: () => number): void {
  const heardMs = memory.peers.figures[PeerFigure.HEARD_MS];
  if (heardMs === 0 || Math.abs(bootMs() - heardMs) < STALE_PEERS_MS) return;
  forgetPeers(memory);
}

/** Requests of this instance at the server in a slot. */
export function ownInFlight({ servers, peers }: PeerMemory, slot: number): number {
  return Math.max(0, Atomics.load(servers.inFlight, slot) - Atomics.load(peers.inFlight, slot));
}

function move(total: Int32Array, part: Int32Array, slot: number, to: number): void {
  for (;;) {
    const before = Atomics.load(part, slot);
    const more = to - before;
    if (more === 0) return;
    if (more < 0) Atomics.add(total, slot, more);
    const isMine = Atomics.compareExchange(part, slot, before, to) === before;
    if (more < 0 && !isMine) Atomics.sub(total, slot, more);
    if (more > 0 && isMine) Atomics.add(total, slot, more);
    if (isMine) return;
  }
}
