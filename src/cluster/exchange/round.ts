/** What an instance knows of the others after a round of the exchange. */

import type { Figures } from "./figures.ts";

/** Figures of the others, by slot of the server table: their own shares added up, without this instance's. */
export interface PeerNumbers extends Figures {
  /** When they came, on the boot clock, milliseconds. */
  readonly heardMs: number;
  /** Instances with fresh numbers, this one included. */
  readonly instances: number;
}

/** An instance that is there. */
export interface ClusterMember {
  /** Of this run: 16 hexadecimal digits. */
  readonly id: string;
  /** This one. */
  readonly self: boolean;
  /** How old its last word is, milliseconds, by the clock of Redis. */
  readonly ageMs: number;
  /** What it says of itself; checked, but said by another. */
  readonly description: MemberDescription;
}

/** What an instance says of itself, once a second. */
export interface MemberDescription {
  /** INSTANCE_NAME, or its machine's name. */
  readonly name: string;
  readonly version: string;
  /** When it was started: milliseconds since the epoch, by its own clock. */
  readonly sinceMs: number;
  /** Figures by name, for people. */
  readonly figures: Readonly<Record<string, number>>;
}

/** A round that went well. */
export interface ClusterRound {
  /** Its columns are the same ones in each round, filled anew. */
  readonly numbers: PeerNumbers;
  /** Sorted by id, this one included; the same array until somebody comes, goes or says something else. */
  readonly members: readonly ClusterMember[];
  /** How often what is shared was changed by anybody, for who has to look then. 0 = never, or forgotten by Redis. */
  readonly revision: { readonly changes: number };
}

/** Who rides on each round. Neither method may throw or wait. */
export interface ClusterRider {
  /** About ten times a second. */
  heard(round: ClusterRound): void;
  /** Nothing was heard for a second: what the others said is not believed any more. Called once until `heard`. */
  lost(why: string): void;
}
