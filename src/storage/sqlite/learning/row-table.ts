/** What a table of rows is to the transaction that writes them. */
import type { StoreLimits } from "../../learning-store.ts";

/** Every method within the caller's transaction. */
export interface RowTable<Row> {
  /** @param rows at least one. */
  insert(rows: readonly Row[]): void;
  /** Deletes the oldest where they are more than the limits say: so many at most that it takes milliseconds. */
  trim(limits: StoreLimits): void;
}
