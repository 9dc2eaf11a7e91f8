/**
 * What several instances make of one server together. Each has a view of its own, because the networks between differ, and shows
 * the others nothing else: what was decided together is never told as a view, so nobody confirms himself through others. A
 * majority of those that know the server takes it out for all, three of them at least; of two neither may overrule the other.
 */

/** Instances that must know a server for a majority of them to mean anything. */
const MIN_INSTANCES = 3;
/** Once it is back it stays for so long: views that go to and fro at the edge of a majority must not take it out each time. */
const REST_MS = 5_000;
/** A server's slot may have been another's: what was said of it so shortly after it came may mean that one. */
const SETTLE_MS = 1_000;

/** Out by its checks (`down`), out by its responses (`ejected`), or neither. */
export type OwnVerdict = "up" | "down" | "ejected";

/** Views of one server, of all instances whose numbers are fresh, this one's included. */
export interface Votes {
  /** Instances that have it in their configuration. */
  readonly instances: number;
  /** Those whose checks say that it is down, and those that have ejected it: nobody is in both. */
  readonly down: number;
  readonly ejected: number;
}

/** The others' views, by slot of the server table: how many of them. */
export interface OthersVotes {
  readonly known: Int32Array;
  readonly down: Int32Array;
  readonly ejected: Int32Array;
}

/** Those of the others with this instance's own. What cannot be is made possible: it came from outside. */
export function countVotes(others: OthersVotes, slot: number, own: OwnVerdict): Votes {
  const known = Math.max(0, others.known[slot] ?? 0);
  const down = clamp(others.down[slot] ?? 0, known);
  const ejected = clamp(others.ejected[slot] ?? 0, known - down);
  return {
    instances: known + 1,
    down: down + (own === "down" ? 1 : 0),
    ejected: ejected + (own === "ejected" ? 1 : 0),
  };
}

/** Do more than half of the instances that know it have it out, and are they enough? */
export function isMajority({ instances, down, ejected }: Votes): boolean {
  return instances >= MIN_INSTANCES && (down + ejected) * 2 > instances;
}

/** In words, with who thinks what. */
export function describeVotes({ instances, down, ejected }: Votes): string {
  if (down + ejected === 0) return `none of ${instances} instances has it out`;
  const parts = [down > 0 ? `${down} by health checks` : "", ejected > 0 ? `${ejected} ejected it` : ""];
  return `${down + ejected} of ${instances} instances have it out (${parts.filter((part) => part !== "").join(", ")})`;
}

/** One server's. The caller passes the time in, monotonic milliseconds. */
export class MajorityVerdict {
  readonly #sinceMs: number;
  #out = false;
  #restUntilMs: number;

  /** @param nowMs when the server came. */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#restUntilMs = nowMs;
  }

  /** A majority has taken it out. */
  get out(): boolean {
    return this.#out;
  }

  /** What is said of its slot is said of it. */
  isMeant(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= SETTLE_MS;
  }

  /** It has not just come back. */
  isRested(nowMs: number): boolean {
    return nowMs >= this.#restUntilMs;
  }

  takeOut(): void {
    this.#out = true;
  }

  bringBack(nowMs: number): void {
    this.#out = false;
    this.#restUntilMs = nowMs + REST_MS;
  }
}

function clamp(count: number, most: number): number {
  return Math.min(Math.max(0, count), most);
}
