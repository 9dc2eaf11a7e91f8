/** Who is in the fleet: identities, slots of the shared table, and what a new list of addresses changes. */
import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import type { DiscoveredServer } from "../discovery/discovered-server.ts";

/** What makes a server the same server across re-resolutions and configuration changes. */
export function identityOf({
  url,
  address,
  port,
  eitherLoopback,
}: Pick<DiscoveredServer, "url" | "address" | "port" | "eitherLoopback">): string {
  return `${url} ${eitherLoopback ? "loopback" : address} ${port}`;
}

/** A server's place in the shared memory. */
export interface Seat {
  /** Row of the shared server table. */
  readonly slot: number;
  /** Never given twice. */
  readonly id: number;
}

/** Hands out slots and ids. A slot may be given again after `release`; an id never is. */
export class Seats {
  readonly #taken = new Uint8Array(MAX_SERVERS);
  #nextId = 1;

  /** `undefined` when the table is full. */
  take(): Seat | undefined {
    const slot = this.#taken.indexOf(0);
    if (slot < 0) return undefined;
    this.#taken[slot] = 1;
    return { slot, id: this.#nextId++ };
  }

  release(slot: number): void {
    this.#taken[slot] = 0;
  }
}

/** What a new list of addresses means for those that are there. */
export interface MembershipChange<T> {
  readonly added: readonly DiscoveredServer[];
  readonly kept: readonly (readonly [member: T, server: DiscoveredServer])[];
  readonly removed: readonly T[];
}

/** Compares by identity. What is listed twice counts once. */
export function compareMembership<T>(
  members: ReadonlyMap<string, T>,
  wanted: readonly DiscoveredServer[],
): MembershipChange<T> {
  const added: DiscoveredServer[] = [];
  const kept: [T, DiscoveredServer][] = [];
  const seen = new Set<string>();
  for (const server of wanted) {
    const identity = identityOf(server);
    if (seen.has(identity)) continue;
    seen.add(identity);
    const member = members.get(identity);
    if (member === undefined) added.push(server);
    else kept.push([member, server]);
  }
  const removed = [...members].filter(([identity]) => !seen.has(identity)).map(([, member]) => member);
  return { added, kept, removed };
}
