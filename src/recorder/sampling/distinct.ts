/**
 * Stores know a single request by its millisecond, its names and its id. Ids may be strangers' (of a proxy in front, which may
 * pass on its clients'), so that several requests of a millisecond can have one: all but the first would be lost, and with
 * them what they stand for.
 */
import type { RequestRow } from "../../storage/history-store.ts";
import { statusClassOf } from "../../storage/rows/request-row.ts";

export class Distinct {
  /** Of the second before, and of this one. */
  #before: ReadonlySet<string> = new Set();

  /** The rows of a second, in order of arrival; of those that would be taken for one, the later ones some milliseconds later. */
  apply(rows: readonly RequestRow[]): RequestRow[] {
    const now = new Set<string>();
    /** The last time that was given, by all the rest: so that thousands of the same cost no more than others. */
    const last = new Map<string, number>();
    const distinct = rows.map((row) => {
      const { pool, route, server, address, status, requestId } = row;
      const rest = JSON.stringify([pool, route, server, address, statusClassOf(status), requestId]);
      let atMs = Math.max(Math.floor(row.atMs), (last.get(rest) ?? 0) + 1);
      while (this.#before.has(`${atMs} ${rest}`)) atMs++;
      last.set(rest, atMs);
      now.add(`${atMs} ${rest}`);
      return atMs === Math.floor(row.atMs) ? row : { ...row, atMs };
    });
    this.#before = now;
    return distinct.sort((a, b) => a.atMs - b.atMs);
  }
}
