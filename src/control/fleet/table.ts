/**
 * The instance's server table, as its fleets share it: whose slot is whose, what is published of it, and room for more.
 * Writer of the published columns and of the words beside them, for all fleets: a slot or an id is never given to two.
 */
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { forgetPeersAt } from "../../shared/memory/peers.ts";
import { publishPoolReadiness, publishReadiness } from "../../shared/memory/readiness.ts";
import { type ServerRow, ServerTableWriter } from "../../shared/memory/server-table/writer.ts";
import { type Seat, Seats } from "./membership.ts";
import { type FleetSummary, NO_SERVERS } from "./status.ts";

/** Why there is no seat: all are taken, or the shared memory cannot grow. */
export type NoSeat = "full" | "no_room";

/** One instance's; each of its fleets is given it. */
export class FleetTable {
  readonly memory: SharedMemory;
  readonly #reserveSlots: (count: number) => void;
  readonly #writer: ServerTableWriter;
  readonly #seats = new Seats();
  /** By row of the pool. */
  readonly #summaries = new Map<number, FleetSummary>();
  /** The pool that the instance is ready by; `null` = any. */
  #decisive: number | null = null;

  /** @param reserveSlots makes room for slots 0 … `count`-1 in the shared memory; throws when there is none. */
  constructor(memory: SharedMemory, reserveSlots: (count: number) => void = () => {}) {
    this.memory = memory;
    this.#reserveSlots = reserveSlots;
    this.#writer = new ServerTableWriter(memory);
  }

  /** A place for another server. */
  take(): Seat | NoSeat {
    const seat = this.#seats.take();
    if (seat === undefined) return "full";
    try {
      this.#reserveSlots(seat.slot + 1);
      return seat;
    } catch {
      this.#seats.release(seat.slot);
      return "no_room";
    }
  }

  /** Slots that were published as free may be given to others. */
  release(slots: readonly number[]): void {
    for (const slot of slots) {
      this.#writer.setUsage(slot, Number.NaN, Number.NaN);
      forgetPeersAt(this.memory.servers, this.memory.peers, slot);
      this.#seats.release(slot);
    }
  }

  /** Publishes rows by slot of the fleet of the pool in row `pool`, and what it comes to. */
  publish(pool: number, rows: ReadonlyMap<number, ServerRow>, summary: FleetSummary): void {
    this.#summaries.set(pool, summary);
    this.#writer.publish(rows, pool, summary.panic);
    publishPoolReadiness(this.memory, pool, summary);
    this.#publishReadiness();
  }

  /** The instance is ready while the pool in this row has a healthy server; `null` = while any has one. */
  decideReadiness(pool: number | null): void {
    this.#decisive = pool;
    if (this.#summaries.size > 0) this.#publishReadiness();
  }

  /** Nothing is left of the pool in this row. */
  forget(pool: number): void {
    this.publish(pool, new Map(), NO_SERVERS);
    this.#summaries.delete(pool);
  }

  #publishReadiness(): void {
    let total = 0;
    let healthy = 0;
    for (const one of this.#summaries.values()) {
      total += one.total;
      healthy += one.healthy;
    }
    const decisive = this.#decisive === null ? healthy : (this.#summaries.get(this.#decisive)?.healthy ?? 0);
    publishReadiness(this.memory, { total, healthy }, decisive > 0);
  }

  /** Percent, NaN = unknown. */
  setUsage(slot: number, cpuPercent: number, memoryPercent: number): void {
    this.#writer.setUsage(slot, cpuPercent, memoryPercent);
  }
}
