/**
 * Versions of a store's tables: which a place has, and the way from one to another. There is one number for both parts and
 * all kinds of backends; a step may have nothing to do for some of them.
 */
import type { StorePart } from "./parts.ts";

/** The version that this release of the product writes. */
export const SCHEMA_VERSION = 5;

/** How far something that has a version of its own is: a file, or a database. */
export interface SchemaState {
  /** What messages call it, without secrets. */
  readonly name: string;
  readonly parts: readonly StorePart[];
  /** 0 = there is nothing yet. */
  readonly version: number;
  /** The oldest version of the product's tables that can still work with it; 0 when there is nothing yet. */
  readonly minCompatible: number;
  /** Why it cannot be read, as a sentence; `null` = it can. */
  readonly problem: string | null;
}

/** What a step means for those who decide whether to take it. */
export interface SchemaStep {
  /** The version that it leads to, upwards. */
  readonly version: number;
  /** What it does, as half a sentence. */
  readonly title: string;
  /** Which parts it is of; for the others it does nothing. */
  readonly parts: readonly StorePart[];
  /** What is lost on the way down, as half a sentence; `null` = nothing. */
  readonly lost: string | null;
}

/** What is told while it is on its way. */
export type SchemaProgress = (name: string, fromVersion: number, toVersion: number) => void;

/** See the top of this file. Rejects with a `StoreError`. */
export interface SchemaKeeper {
  /** All steps that this release knows, by version, the first to begin with. */
  readonly steps: readonly SchemaStep[];
  /** The first version of this kind of store: whoever goes back before it leaves nothing. */
  readonly firstVersion: number;
  /** Changes nothing, and rejects for nothing: what is wrong is said in the state. */
  state(): Promise<readonly SchemaState[]>;
  /**
   * Brings all that is there to `version`, each step in a transaction of its own. Refuses while an instance owns any of it, and
   * before anything is changed, and from a version that this release does not know. Tables of a database that are not there
   * are made; a file is left to its owner to make.
   */
  migrate(version: number, progress: SchemaProgress): Promise<void>;
  close(): Promise<void>;
}
