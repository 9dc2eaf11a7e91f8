/** What the process asks of whoever learns something of a pool, whether or not it is balanced by what is learned. */
import type { Resources } from "./online/resources.ts";
import type { RecordedOutcome } from "./serving/worker-rings.ts";

/** Whoever learns of one pool. */
export interface PoolMember {
  /** Of all tables that were ever made: what is dropped is garbage. */
  readonly tableBytes: number;
  /** Nobody routes by it, and nothing has happened for a while: it need not be looked at often. */
  readonly isAsleep: boolean;
  /** An outcome that the learner before this one had read: to know of the servers what it knew. */
  replay(outcome: RecordedOutcome): void;
  /** To be called before each round of outcomes. */
  beginRound(): void;
  /** An attempt at one of the pool's servers ended. */
  observe(outcome: RecordedOutcome): void;
  /** Moves time on. @param slots servers that may be asked; `undefined` = not known just now. */
  tick(slots: Int32Array | undefined): Promise<void>;
  /** There is a store from now on. Never rejects. */
  learn(resources: Resources): Promise<void>;
  /** Hands what is left to the store: the process ends. */
  close(): Promise<void>;
  /** As `close`, while the process goes on. */
  leave(): Promise<void>;
}
