/** Sentinels know who is the master, and which replica has become it (Redis documentation, "Sentinel client spec"). */
import type { RedisPlace } from "../../../protocol/redis-place.ts";
import type { RedisConnection } from "../connection.ts";
import { RedisError } from "../redis-error.ts";
import { askAll } from "./ask-all.ts";
import type { Directory } from "./directory.ts";
import { nodeAddress } from "./node-address.ts";

/** Of one link. */
export class SentinelDirectory implements Directory {
  readonly #place: RedisPlace;
  #known: Promise<string> | null = null;

  constructor(place: RedisPlace) {
    this.#place = place;
  }

  find(): Promise<string> {
    this.#known ??= this.#ask();
    return this.#known;
  }

  forget(): void {
    this.#known = null;
  }

  /** A Sentinel that has not heard of a failover names who was the master. Who may not ask is told by its writes. */
  async check(connection: RedisConnection): Promise<void> {
    const role = await connection.send(["ROLE"]).catch((error: Error) => {
      if (error instanceof RedisError && error.kind === "auth") return ["master"];
      throw error;
    });
    if (Array.isArray(role) && role[0] === "master") return;
    throw new RedisError("readonly", `${connection.where} is a replica, although Sentinel says that it is the master`);
  }

  async #ask(): Promise<string> {
    const { addrs, master, sentinelPassword: password, tls } = this.#place;
    const access = { username: null, password, db: 0, tls, passwordSetting: "REDIS_SENTINEL_PASSWORD" };
    const name = master ?? "";
    try {
      return await askAll(addrs, access, ["SENTINEL", "get-master-addr-by-name", name], (answer, sentinel) => {
        if (answer === null) throw unknown(sentinel, name);
        const [host, port] = Array.isArray(answer) ? answer : [];
        const address = nodeAddress(host, Number(port));
        if (address === null) throw new RedisError("other", `Sentinel ${sentinel}: an answer that means nothing`);
        return address;
      });
    } catch (error) {
      this.#known = null;
      throw error;
    }
  }
}

function unknown(sentinel: string, name: string): RedisError {
  return new RedisError("other", `Sentinel ${sentinel} knows no master "${name}": check REDIS_SENTINEL_MASTER`);
}
