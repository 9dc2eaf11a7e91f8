/** Who is to be asked: one server, the master that Sentinels name, or the master of a slot of a Redis Cluster. */
import type { RedisConnection } from "../connection.ts";

/** One link's. */
export interface Directory {
  /** host:port. Rejects with a `RedisError`. @param slot of the key, where that matters. */
  find(slot: number): Promise<string>;
  /** Something went wrong there: whoever is asked for next is found anew. */
  forget(): void;
  /** Rejects with a `RedisError` where it is not who it should be. */
  check(connection: RedisConnection): Promise<void>;
}
