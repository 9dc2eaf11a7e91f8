/**
 * Weights and capacities that were set at run time: by an operator at the admin port for this run, or in the `servers` table of
 * the store for all instances and runs. The last of them counts, until the configuration itself says another number.
 */
import { CAPACITY, describeRange, inRange, type Range, WEIGHT } from "../../shared/ranges.ts";
import { historyName } from "../../shared/server-name.ts";
import type { ServerRow } from "../../storage/history-store.ts";
import { type Events, STORE } from "../events/events.ts";
import type { ControlLog } from "../log.ts";

/** Where a number that is in force comes from. */
export type NumberOrigin = "configuration" | "admin API" | "store";

/** What may be overridden. */
export type OverriddenName = "weight" | "capacity";

/** What the store has set for a server, beside what was configured then; `null` = nothing, or nothing that can be. */
export type StoreOverride = Pick<ServerRow, "weight" | "capacity" | "configuredWeight" | "configuredCapacity">;

/** A number of one server that may be set at run time. */
export class OverridableNumber {
  #set: { readonly value: number; readonly origin: "admin API" | "store" } | undefined;
  /** What the store said last; `undefined` = nothing that is still true. */
  #told: number | null | undefined;
  /** It is kept as an override: who keeps it says what becomes of it. */
  #operated = false;

  /** `undefined` = the configured one is in force. */
  get value(): number | undefined {
    return this.#set?.value;
  }

  get origin(): NumberOrigin {
    return this.#set?.origin ?? "configuration";
  }

  /** An operator set it. */
  set(value: number): void {
    this.#set = { value, origin: "admin API" };
  }

  /** What operators want, as it is kept; `null` = nothing any more. */
  operate(value: number | null): void {
    if (value !== null) this.#set = { value, origin: "admin API" };
    else if (this.#operated) {
      const told = this.#told ?? null;
      this.#set = told === null ? undefined : { value: told, origin: "store" };
    }
    this.#operated = value !== null;
  }

  /** The store says this; `null` = it has no number for it. @returns true when another number is in force now. */
  tell(value: number | null): boolean {
    if (value === this.#told) return false;
    this.#told = value;
    const before = this.#set;
    if (value !== null) this.#set = { value, origin: "store" };
    else if (before?.origin === "store") this.#set = undefined;
    return before?.value !== this.#set?.value;
  }

  /** The configuration says another number. @returns what an operator had set; the store's are named by who undoes them there. */
  reset(): number | undefined {
    const before = this.#set;
    this.#set = undefined;
    this.#told = undefined;
    return before?.origin === "admin API" && !this.#operated ? before.value : undefined;
  }
}

/** True when what stood beside an override is what is configured now: else it is about to be undone, or of another instance. */
export function isOfConfigured(besides: number, configured: number): boolean {
  return Math.abs(besides - configured) <= 1e-6 * Math.max(1, Math.abs(configured));
}

/** What the store's `servers` table sets, of all pools. What cannot be is refused, once, and counts as nothing. */
export class StoreOverrides {
  readonly #log: ControlLog;
  readonly #events: Events;
  #byServer: ReadonlyMap<string, StoreOverride> = new Map();
  #refused: ReadonlySet<string> = new Set();

  constructor(log: ControlLog, events: Events) {
    this.#log = log;
    this.#events = events;
  }

  /** These are the rows now. */
  take(rows: readonly ServerRow[]): void {
    const byServer = new Map<string, StoreOverride>();
    const refused = new Set<string>();
    for (const row of rows) {
      if (row.removedAtMs !== null || (row.weight === null && row.capacity === null)) continue;
      byServer.set(keyOf(row.pool, row.host, row.port), {
        ...row,
        weight: this.#checked(row, "weight", WEIGHT, refused),
        capacity: this.#checked(row, "capacity", CAPACITY, refused),
      });
    }
    this.#byServer = byServer;
    this.#refused = refused;
  }

  /** `null` = nothing is set for it. */
  of(pool: string, host: string, port: number): StoreOverride | null {
    return this.#byServer.get(keyOf(pool, host, port)) ?? null;
  }

  #checked(row: ServerRow, name: OverriddenName, range: Range, refused: Set<string>): number | null {
    const value: unknown = row[name];
    if (value === null || inRange(value, range)) return value;
    const { pool, host, port } = row;
    const key = `${keyOf(pool, host, port)} ${name} ${value}`;
    refused.add(key);
    if (this.#refused.has(key)) return null;
    const { server } = historyName({ hostname: host, address: host, port });
    const message = `server ${server}: the ${name} ${value} in the store's table "servers" is not used: it must be ${describeRange(range)}`;
    this.#log.warn({ pool, server, [name]: value }, message);
    this.#events.note({
      kind: "override",
      pool,
      server,
      actor: STORE,
      message,
      detail: { refused: { [name]: value } },
    });
    return null;
  }
}

function keyOf(pool: string, host: string, port: number): string {
  return JSON.stringify([pool, host, port]);
}
