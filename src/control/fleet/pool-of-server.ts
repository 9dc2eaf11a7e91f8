/** Which pool each server is or was in: what requests were counted for a server stays for the whole run. */

/** The series of requests of all workers hold no more servers than this by far, and those that came first. */
const MAX_REMEMBERED = 65_536;

/** One instance's. */
export class PoolOfServer {
  readonly #pools = new Map<number, string>();

  add(serverId: number, pool: string): void {
    if (this.#pools.size < MAX_REMEMBERED) this.#pools.set(serverId, pool);
  }

  /** `undefined` = not known. */
  get(serverId: number): string | undefined {
    return this.#pools.get(serverId);
  }
}
