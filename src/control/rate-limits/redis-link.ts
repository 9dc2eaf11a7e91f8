/** A connection to Redis that never keeps anybody waiting: what has no answer in time has failed, and the connection with it. */
import { RedisClient } from "bun";

/** Where it is. */
export interface RedisPlace {
  /** host:port. */
  readonly addr: string;
  readonly password: string | null;
  readonly db: number;
  readonly tls: boolean;
}

/** What is asked of Redis. */
export interface RedisLink {
  /** Rejects with an `Error` when there is no answer in time, or it is an error. */
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  close(): void;
}

/** An answer that takes longer is not waited for, milliseconds. */
const TIMEOUT_MS = 400;

/** The runtime's client, made anew after each failure: it would wait for ever, and say again what it was told then. */
export class ReconnectingLink implements RedisLink {
  readonly #place: RedisPlace;
  #client: RedisClient | null = null;

  constructor(place: RedisPlace) {
    this.#place = place;
  }

  async eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    try {
      return await Promise.race([this.#eval(script, keys, args), late.promise]);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#client?.close();
    this.#client = null;
  }

  async #eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const client = this.#client ?? (await this.#connect());
    const sha = new Bun.CryptoHasher("sha1").update(script).digest("hex");
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await client.send("EVALSHA", [sha, ...rest]);
    } catch (error) {
      if (!(error as Error).message.includes("NOSCRIPT")) throw error;
      return client.send("EVAL", [script, ...rest]);
    }
  }

  async #connect(): Promise<RedisClient> {
    const { addr, password, db, tls } = this.#place;
    const user = password === null ? "" : `:${encodeURIComponent(password)}@`;
    const client = new RedisClient(`${tls ? "rediss" : "redis"}://${user}${addr}/${db}`, {
      connectionTimeout: TIMEOUT_MS,
      autoReconnect: false,
      enableOfflineQueue: false,
    });
    this.#client = client;
    await client.connect();
    return client;
  }
}
