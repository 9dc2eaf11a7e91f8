/** The tables of the last seconds with the features behind them: to explain decisions, and to judge them. */

import { columnOf } from "../../balancing/score-columns.ts";
import { SCORE_COLUMNS } from "../../shared/memory/layout/learning.ts";
import type { TableFeatures } from "../features/table-features.ts";
import type { TableModel } from "./table-writer.ts";

/** Tables are kept for so long, milliseconds … */
export const HISTORY_MS = 10_000;
/** … or, of large fleets, as many as fit: what they take is bounded, bytes. */
export const HISTORY_BYTES = 16 * 1024 * 1024;

/** One table that was published. */
export interface PublishedTable {
  readonly model: TableModel;
  readonly sequence: number;
  /** Boot clock, milliseconds. */
  readonly atMs: number;
  readonly modelVersion: number;
  /** The costs are milliseconds before the crowd; otherwise their order is all there is to know. */
  readonly isCost: boolean;
  readonly features: TableFeatures;
  /** `[servers × SCORE_COLUMNS]`, by place in `features.slots`. */
  readonly costs: Float32Array;
}

/** The cost that a table has for a server (its place in `features.slots`) with `inFlight` requests. */
export function costIn({ costs }: PublishedTable, server: number, inFlight: number): number {
  return costs[server * SCORE_COLUMNS + columnOf(inFlight)];
}

export class TableHistory {
  readonly #tables: PublishedTable[] = [];
  readonly #mostBytes: () => number;
  /** How many of them share these costs: a table that is shown again takes nothing. */
  readonly #sharing = new Map<Float32Array, number>();
  #bytes = 0;
  #addedBytes = 0;

  /** @param mostBytes how much may be kept, now. */
  constructor(mostBytes: () => number = () => HISTORY_BYTES) {
    this.#mostBytes = mostBytes;
  }

  get length(): number {
    return this.#tables.length;
  }

  /** Of all that were ever added: what is dropped is garbage. */
  get addedBytes(): number {
    return this.#addedBytes;
  }

  /** Adds one, and drops what is too old or too much. The last one stays in any case. */
  add(table: PublishedTable): void {
    this.#tables.push(table);
    const sharing = this.#sharing.get(table.costs) ?? 0;
    this.#sharing.set(table.costs, sharing + 1);
    if (sharing === 0) {
      this.#bytes += bytesOf(table);
      this.#addedBytes += bytesOf(table);
    }
    const mostBytes = this.#mostBytes();
    let drop = 0;
    for (; drop < this.#tables.length - 1; drop++) {
      const oldest = this.#tables[drop];
      if (table.atMs - oldest.atMs <= HISTORY_MS && this.#bytes <= mostBytes) break;
      this.#forget(oldest);
    }
    if (drop > 0) this.#tables.splice(0, drop);
  }

  #forget(table: PublishedTable): void {
    const sharing = this.#sharing.get(table.costs)! - 1;
    if (sharing > 0) {
      this.#sharing.set(table.costs, sharing);
    } else {
      this.#sharing.delete(table.costs);
      this.#bytes -= bytesOf(table);
    }
  }

  /** The table of that sequence number. */
  find(model: TableModel, sequence: number): PublishedTable | undefined {
    return this.#tables.find((table) => table.model === model && table.sequence === sequence);
  }

  /** The newest of that model that was there at a moment of the boot clock: for decisions that came from none. */
  at(model: TableModel, atMs: number): PublishedTable | undefined {
    return this.#tables.findLast((table) => table.model === model && table.atMs <= atMs);
  }

  newest(model: TableModel): PublishedTable | undefined {
    return this.#tables.findLast((table) => table.model === model);
  }
}

function bytesOf({ features, costs }: PublishedTable): number {
  return features.bytes + costs.byteLength;
}
