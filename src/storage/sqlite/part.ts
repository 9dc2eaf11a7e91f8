/** A part of a store as the code that opens, locks, checks and replaces files must know it: each is a file of its own. */
import type { Database } from "bun:sqlite";
import type { StorePart } from "../parts.ts";
import type { PartSchema } from "./schema/steps.ts";

/** See the top of this file. `Tables` is what a connection to the part is used through. */
export interface SqlitePart<Tables> {
  readonly part: StorePart;
  /** What messages say of a file that there is not: "nothing was learned yet". */
  readonly nothingYet: string;
  readonly schema: PartSchema;
  /** A file that is larger is not read through when it is opened; damage is met later, if there is any. */
  readonly checkedBytes: number;
  /** The tables of one connection. */
  tables(db: Database): Tables;
  /**
   * What must outlive the loss of a file: a number that must never be given again. `known` is of an open file, `told` of one
   * that is damaged, 0 when it does not tell; `skip` makes a new file go on from there.
   */
  readonly counter?: {
    known(tables: Tables): number;
    told(path: string): number;
    skip(tables: Tables, to: number): void;
  };
}
