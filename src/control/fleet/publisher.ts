/** What a fleet shows: rows of the shared table, whether it is in panic, and in the log what has changed. */
import { isEligible } from "../../balancing/eligibility.ts";
import { PanicMode } from "../../health/panic-mode.ts";
import { ServersInUse } from "../../health/servers-in-use.ts";
import { ServerState } from "../../shared/memory/layout/shared-memory.ts";
import { FREE_ROW, type ServerRow } from "../../shared/memory/server-table/writer.ts";
import type { FleetAnnouncer } from "./announcer.ts";
import type { FleetOptions } from "./options.ts";
import type { Roster } from "./roster.ts";
import { type FleetSummary, NO_SERVERS } from "./status.ts";
import type { FleetTable } from "./table.ts";

/** One fleet's. */
export class FleetPublisher {
  readonly #pool: number;
  readonly #table: FleetTable;
  readonly #roster: Roster;
  readonly #announce: FleetAnnouncer;
  readonly #panic = new PanicMode();
  readonly #inUse = new ServersInUse();
  #summary: FleetSummary = NO_SERVERS;

  /** @param pool row of the pool. */
  constructor(pool: number, table: FleetTable, roster: Roster, announce: FleetAnnouncer) {
    this.#pool = pool;
    this.#table = table;
    this.#roster = roster;
    this.#announce = announce;
  }

  /** As it was published last. */
  get summary(): FleetSummary {
    return this.#summary;
  }

  /** Publishes what has changed. @param freed slots of servers that are gone. */
  publish(options: FleetOptions, nowMs: number, freed: readonly number[] = []): void {
    this.#summary = this.#summarise(options, nowMs);
    const rows = new Map<number, ServerRow>();
    for (const slot of freed) rows.set(slot, FREE_ROW);
    for (const member of this.#roster.all()) {
      const row = member.row(nowMs, options.slowStartMs);
      if (row !== member.published) rows.set(member.slot, row);
      member.published = row;
    }
    this.#table.publish(this.#pool, rows, this.#summary);
    for (const member of this.#roster.all()) this.#announce.state(member);
  }

  #summarise(options: FleetOptions, nowMs: number): FleetSummary {
    const { preferZone = false, zone = null, panicThresholdPercent } = options;
    const present = this.#roster.present();
    const use = { preferZone, zone, panicThresholdPercent };
    const inUse = this.#inUse.choose(present, use, nowMs);
    let healthy = 0;
    for (const { state, health } of present) if (state === ServerState.UP && health.proven) healthy++;
    const wasPanic = this.#panic.on;
    const panic = this.#panic.update(inUse.up, inUse.total, panicThresholdPercent, nowMs);
    if (panic !== wasPanic) this.#announce.panic(panic, inUse.up, inUse.total);
    let up = 0;
    let usable = 0;
    for (const { state } of this.#roster.all()) {
      if (state === ServerState.UP) up++;
      if (isEligible(state, panic)) usable++;
    }
    return { total: present.length, healthy, up, usable, panic };
  }
}
