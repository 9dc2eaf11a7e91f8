/** Who is in a fleet: brings its servers in line with what discovery knows, and lets go of those that have drained. */

import type { Endpoint } from "../../protocol/endpoint.ts";
import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import { ownInFlight } from "../../shared/memory/peers.ts";
import type { DiscoveredServer } from "../discovery/discovered-server.ts";
import type { ControlLog } from "../log.ts";
import { compareMembership, identityOf, type Seat } from "./membership.ts";
import type { FleetServer, UndoneNumber } from "./server.ts";
import type { FleetTable } from "./table.ts";

/** A removed server keeps its slot at least so long: a worker may have chosen it just before it was removed. */
const MIN_DRAIN_MS = 1_000;
/** After this a removed server is no longer shown, although requests (tunnels) are in flight; its slot stays taken. */
const MAX_SHOWN_DRAIN_MS = 2 * 60 * 60 * 1_000;
/** How often a server that found no room in the shared memory is tried again. */
const MEMORY_RETRY_MS = 5_000;

/** What taking over new addresses has changed. */
export interface RosterChange {
  /** `endpoints` are others now. */
  readonly endpointsChanged: boolean;
  /** Of each server that has left the configuration: lets go of it. Until then it takes requests. */
  readonly removed: readonly ((nowMs: number) => void)[];
  readonly left: readonly FleetServer[];
  /** Those that are new, or back. */
  readonly joined: readonly FleetServer[];
  /** What operators had set and the configuration has overruled. */
  readonly undone: readonly (readonly [FleetServer, UndoneNumber])[];
}

/** What has drained: servers that are gone, and slots that are free. */
export interface Drained {
  readonly gone: readonly FleetServer[];
  readonly slots: readonly number[];
}

/** One fleet's. */
export class Roster {
  readonly #table: FleetTable;
  readonly #log: ControlLog;
  /** By identity; removed servers stay until they have drained. */
  readonly #members = new Map<string, FleetServer>();
  /** `undefined` = to be found anew. */
  #present: readonly FleetServer[] | undefined;
  #endpoints: readonly Endpoint[] = [];
  /** Slots of servers that are shown no more but still have requests in flight. */
  readonly #undrained = new Set<number>();
  #overflowing = false;
  /** The shared memory has no room for a server; monotonic milliseconds of the next try. */
  #noRoomUntilMs: number | undefined;

  constructor(table: FleetTable, log: ControlLog) {
    this.#table = table;
    this.#log = log;
  }

  /** All that are shown, those that drain included. */
  all(): IterableIterator<FleetServer> {
    return this.#members.values();
  }

  /** The servers of the configuration, without those that were removed. */
  present(): readonly FleetServer[] {
    this.#present ??= [...this.#members.values()].filter((member) => member.removedMs === undefined);
    return this.#present;
  }

  /** Where each server is reached, those that drain included: their requests are still under way. */
  endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** Nobody is there any more, and no slot of anybody who was. */
  get empty(): boolean {
    return this.#members.size === 0 && this.#undrained.size === 0;
  }

  /** True while servers are left out because the shared memory cannot grow. */
  get outOfMemory(): boolean {
    return this.#noRoomUntilMs !== undefined;
  }

  /** Those who found no room are to be tried again. */
  isRetryDue(nowMs: number): boolean {
    return this.#noRoomUntilMs !== undefined && nowMs >= this.#noRoomUntilMs;
  }

  /** Takes over what discovery knows. Who is new gets a seat, and `join` makes a member of it. */
  reconcile(
    wanted: readonly DiscoveredServer[],
    nowMs: number,
    join: (seat: Seat, server: DiscoveredServer) => FleetServer,
  ): RosterChange {
    const change = compareMembership(this.#members, wanted);
    const leaving = change.removed.filter((member) => member.removedMs === undefined);
    const removed = leaving.map((member) => member.remove(nowMs));
    const joined = change.kept.flatMap(([member]) => (member.removedMs === undefined ? [] : [member]));
    const undone: [FleetServer, UndoneNumber][] = [];
    for (const [member, server] of change.kept) {
      for (const number of member.respecify(server)) undone.push([member, number]);
      member.comeBack(nowMs);
    }
    const wasOutOfMemory = this.outOfMemory;
    this.#noRoomUntilMs = undefined;
    this.#present = undefined;
    let refused = 0;
    for (const server of change.added) {
      const seat = this.#table.take();
      if (typeof seat === "object") {
        const member = join(seat, server);
        this.#members.set(identityOf(server), member);
        joined.push(member);
      } else {
        refused++;
        if (seat === "no_room") this.#noRoomUntilMs = nowMs + MEMORY_RETRY_MS;
      }
    }
    this.#announce(refused, wasOutOfMemory);
    const endpoints = [...this.#members.values()].map((member) => member.endpoint());
    const endpointsChanged = !Bun.deepEquals(endpoints, this.#endpoints);
    if (endpointsChanged) this.#endpoints = Object.freeze(endpoints);
    return { endpointsChanged, removed, left: leaving, joined, undone };
  }

  /** Lets go of those that have drained. Their slots are the caller's: to be published as free, then released. */
  releaseDrained(nowMs: number): Drained {
    const gone: FleetServer[] = [];
    const slots: number[] = [];
    for (const member of this.#members.values()) {
      if (member.removedMs === undefined || member.leaving || nowMs - member.removedMs < MIN_DRAIN_MS) continue;
      const idle = member.inFlight <= 0;
      if (!idle && nowMs - member.removedMs < MAX_SHOWN_DRAIN_MS) continue;
      this.#members.delete(identityOf(member.server));
      gone.push(member);
      if (idle) slots.push(member.slot);
      else this.#undrained.add(member.slot);
    }
    for (const slot of this.#undrained) {
      if (ownInFlight(this.#table.memory, slot) > 0) continue;
      this.#undrained.delete(slot);
      slots.push(slot);
    }
    return { gone, slots };
  }

  #announce(refused: number, wasOutOfMemory: boolean): void {
    if (this.outOfMemory) {
      if (!wasOutOfMemory) {
        this.#log.error({ left_out: refused }, `no room in the shared memory: ${refused} servers are left out`);
      }
    } else if (wasOutOfMemory) this.#log.info({}, "the shared memory has room for all servers again");
    else if (refused > 0 && !this.#overflowing) {
      this.#log.error(
        { limit: MAX_SERVERS, left_out: refused },
        `more servers than the limit of ${MAX_SERVERS}: ${refused} are left out`,
      );
    }
    this.#overflowing = refused > 0 && !this.outOfMemory;
  }
}
