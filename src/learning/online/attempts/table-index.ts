/** Which model was behind which table, for longer than tables themselves are remembered: attempts may take a minute. */
import type { PublishedTable } from "../../serving/table-history.ts";
import { TableModel } from "../../serving/table-writer.ts";

/** Tables that are remembered of each kind: more than three minutes of them. */
const KEPT = 4096;

/** What is kept of a table. */
export interface IndexedTable {
  readonly sequence: number;
  readonly atMs: number;
  readonly modelVersion: number;
  /** The fleet's mean latency then, milliseconds. */
  readonly meanMs: number;
}

/** The last tables of the champion and of the canary. */
export class TableIndex {
  readonly #kept: readonly (IndexedTable | undefined)[][] = [new Array(KEPT), new Array(KEPT)];
  #newest = 0;

  /** Those of a shadow are of no use here: nobody routes by them. */
  add({ model, sequence, atMs, modelVersion, features }: PublishedTable): void {
    if (model === TableModel.SHADOW) return;
    (this.#kept[model] as (IndexedTable | undefined)[])[sequence & (KEPT - 1)] = {
      sequence,
      atMs,
      modelVersion,
      meanMs: features.meanMs,
    };
    if (model === TableModel.CHAMPION) this.#newest = sequence;
  }

  /** The table of that sequence number; `undefined` when it is too long ago or was another process's. */
  find(model: TableModel, sequence: number): IndexedTable | undefined {
    const found = this.#kept[model]?.[sequence & (KEPT - 1)];
    return found?.sequence === sequence ? found : undefined;
  }

  /** The champion's newest table that was there at a moment. */
  at(atMs: number): IndexedTable | undefined {
    for (let back = 0; back < KEPT; back++) {
      const found = this.find(TableModel.CHAMPION, this.#newest - back);
      if (found === undefined) return undefined;
      if (found.atMs <= atMs) return found;
    }
    return undefined;
  }
}
