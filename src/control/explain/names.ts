/** What ids and numbers in records mean. Servers, pools and routes that have gone keep their names for as long as records may tell of them. */
import type { RecordedNames } from "../../protocol/recorded-names.ts";
import { NO_POOL } from "../../shared/memory/layout/history.ts";
import { ROUTES, Route } from "../../shared/memory/series-table.ts";

/** Servers that are remembered; those that were told of longest ago are forgotten first. */
const MOST_SERVERS = 20_000;
/** Who had a pool's row or a route's number before. */
const MOST_BEFORE = 16;
const ID_MASK = 0xff_ffff;

/** A server. */
export interface KnownServer {
  readonly id: number;
  readonly url: string;
  readonly pool: string;
}

interface Name {
  readonly name: string;
  /** Milliseconds of the boot clock. */
  readonly sinceMs: number;
}

/** One instance's. */
export class ExplainNames {
  readonly #servers = new Map<number, KnownServer>();
  readonly #pools = new Map<number, Name[]>();
  readonly #routes = new Map<number, Name[]>();

  /** @param nowMs of the boot clock. */
  update({ servers, pools, routes }: RecordedNames, nowMs: number): void {
    for (const { id, url, pool } of servers) {
      const key = id & ID_MASK;
      const known = this.#servers.get(key);
      this.#servers.delete(key);
      this.#servers.set(key, known?.url === url && known.pool === pool ? known : { id, url, pool });
    }
    for (const key of this.#servers.keys()) {
      if (this.#servers.size <= MOST_SERVERS) break;
      this.#servers.delete(key);
    }
    for (const { row, name } of pools) note(this.#pools, row, name, nowMs);
    for (const { number, name } of routes) note(this.#routes, number, name, nowMs);
  }

  /** @param id its lower 24 bits. */
  server(id: number): KnownServer | undefined {
    return this.#servers.get(id);
  }

  /** Of a record that began at `atMs`; `null` = it had none. */
  pool(row: number, atMs: number): string | null {
    return row === NO_POOL ? null : nameAt(this.#pools.get(row), atMs);
  }

  /** `null` = it was refused before there was one. */
  route(number: number, atMs: number): string | null {
    if (number === Route.INVALID || number === Route.NO_ROUTE) return null;
    return nameAt(this.#routes.get(number), atMs) ?? ROUTES[number] ?? null;
  }
}

function note(names: Map<number, Name[]>, number: number, name: string, sinceMs: number): void {
  const list = names.get(number) ?? [];
  if (list.at(-1)?.name === name) return;
  list.push({ name, sinceMs });
  if (list.length > MOST_BEFORE) list.shift();
  names.set(number, list);
}

function nameAt(names: readonly Name[] | undefined, atMs: number): string | null {
  if (names === undefined) return null;
  return (names.findLast(({ sinceMs }) => sinceMs <= atMs) ?? names[0])?.name ?? null;
}
