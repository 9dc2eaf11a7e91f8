/** The servers of a recording, as they are met in rows of the store. */
import type { ServerRow } from "../../../storage/history-store.ts";
import type { RecordingServer } from "../../recording.ts";
import { MAX_SERVERS, NothingToReplayError } from "../reading.ts";

/** How rows name a server. */
export interface ServerKey {
  readonly server: string;
  readonly address: string;
}

export class StoreServers {
  readonly #servers: (ServerKey & { weight: number | null })[] = [];
  readonly #index = new Map<string, number>();
  #weightsChanged = false;

  get count(): number {
    return this.#servers.length;
  }

  /** A weight was not the same all the time. */
  get weightsChanged(): boolean {
    return this.#weightsChanged;
  }

  /** Its index, also if it is new; -1 where no server was chosen. */
  indexOf({ server, address }: ServerKey): number {
    if (server === "") return -1;
    const key = keyOf({ server, address });
    const known = this.#index.get(key);
    if (known !== undefined) return known;
    const index = this.#servers.length;
    if (index >= MAX_SERVERS) {
      throw new NothingToReplayError(`the pool has more than ${MAX_SERVERS} servers: more than can be replayed`);
    }
    this.#servers.push({ server, address, weight: null });
    this.#index.set(key, index);
    return index;
  }

  /** Its index; `undefined` = it had no requests. */
  find(key: ServerKey): number | undefined {
    return this.#index.get(keyOf(key));
  }

  /** It has this weight now. */
  weigh(index: number, weight: number): void {
    const server = this.#servers[index];
    if (server.weight !== null && server.weight !== weight) this.#weightsChanged = true;
    server.weight = weight;
  }

  /** @param rows of the store, for capacities. */
  finish(pool: string, rows: readonly ServerRow[]): RecordingServer[] {
    const capacities = new Map(
      rows
        .filter((row) => row.pool === pool)
        .map((row) => [`${row.host}:${row.port}`, row.capacity ?? row.configuredCapacity]),
    );
    return this.#servers.map(({ server, address, weight }) => ({
      name: address === "" ? server : `${server} (${address})`,
      weight: weight ?? 1,
      capacity: capacities.get(server) || null, // 0 = no limit
    }));
  }
}

function keyOf({ server, address }: ServerKey): string {
  return `${server} ${address}`;
}
