/**
 * The link to Redis. It never keeps anybody waiting: what has no answer in time has failed, and the connection with it, so that
 * nobody takes a late answer for another one's. Who is to be asked is found out again after each failure.
 */
import type { RedisPlace } from "../../protocol/redis-place.ts";
import { withPatience } from "../../shared/time/patience.ts";
import { RedisConnection, type Word } from "./connection.ts";
import { accessTo, directoryOf } from "./directory/choose.ts";
import type { Directory } from "./directory/directory.ts";
import { nodeAddress } from "./directory/node-address.ts";
import { keySlot } from "./key-slot.ts";
import { RedisError } from "./redis-error.ts";

/** An answer that takes longer is not waited for, milliseconds. */
const TIMEOUT_MS = 400;
/** The first one may: the library is loaded and the connection made, and nobody has relied on it yet. */
const FIRST_TIMEOUT_MS = 2500;
/** Servers of a Redis Cluster send on to each other; who is sent on more often goes round in circles. */
const MOST_HOPS = 3;
/** Connections at once: one to each master that has keys of ours. */
const MOST_CONNECTIONS = 32;
/** Scripts whose hash is kept: there are a handful. */
const MOST_SCRIPTS = 64;

/** What is asked of Redis. */
export interface RedisLink {
  /**
   * Runs a script there. Rejects with a `RedisError` when there is no answer within 400 ms (at first: 2.5 s), or it is an error.
   * Bulk replies are text. What has timed out may have been done, or be done later where Redis hangs: scripts must bear being asked twice.
   * @param keys all of one slot (the same text in braces), the first says which.
   */
  eval(script: string, keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<unknown>;
  /** The same, bulk replies as `Uint8Array`. */
  evalBytes(script: string, keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<unknown>;
  close(): void;
}

/** Connects with the first question. */
export function openRedis(place: RedisPlace): RedisLink {
  return new DirectedLink(place);
}

interface Script {
  readonly text: string;
  readonly rest: readonly Word[];
  readonly slot: number;
  readonly bytes: boolean;
}

/** One question under way. */
interface Asking {
  connection: RedisConnection | null;
  isOver: boolean;
}

class DirectedLink implements RedisLink {
  readonly #place: RedisPlace;
  readonly #directory: Directory;
  readonly #connections = new Map<string, Promise<RedisConnection>>();
  readonly #hashes = new Map<string, string>();
  #timeoutMs = FIRST_TIMEOUT_MS;
  #isClosed = false;

  constructor(place: RedisPlace) {
    this.#place = place;
    this.#directory = directoryOf(place);
  }

  eval(script: string, keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<unknown> {
    return this.#run(this.#script(script, keys, args, false));
  }

  evalBytes(script: string, keys: readonly string[], args: readonly (string | Uint8Array)[]): Promise<unknown> {
    return this.#run(this.#script(script, keys, args, true));
  }

  close(): void {
    this.#isClosed = true;
    for (const addr of [...this.#connections.keys()]) this.#drop(addr);
  }

  #script(text: string, keys: readonly string[], args: readonly (string | Uint8Array)[], bytes: boolean): Script {
    const rest = [String(keys.length), ...keys, ...args.map(word)];
    return { text, rest, slot: this.#place.kind === "cluster" ? keySlot(keys[0] ?? "") : 0, bytes };
  }

  async #run(script: Script): Promise<unknown> {
    if (this.#isClosed) throw new RedisError("other", "the link to Redis is closed");
    const asking: Asking = { connection: null, isOver: false };
    const timeoutMs = this.#timeoutMs;
    const answer = this.#ask(script, asking);
    try {
      return await withPatience(answer, timeoutMs, () => {
        throw this.#lateness(asking, timeoutMs);
      });
    } catch (error) {
      if (!this.#isAnswer(error)) {
        this.#directory.forget();
        asking.connection?.close();
      }
      throw error;
    } finally {
      asking.isOver = true;
      this.#timeoutMs = TIMEOUT_MS;
    }
  }

  async #ask(script: Script, asking: Asking): Promise<unknown> {
    let addr = await this.#directory.find(script.slot);
    let isAsked = false; // sent there for this once, while a slot moves
    for (let hops = 0; ; hops++) {
      const connection = await this.#connectionTo(addr);
      if (asking.isOver) return undefined;
      asking.connection = connection;
      try {
        return await this.#send(connection, script, isAsked);
      } catch (error) {
        const next = this.#place.kind === "cluster" && hops < MOST_HOPS ? sentOn(error, addr) : null;
        if (next === null || asking.isOver) throw error;
        isAsked = next.once;
        if (!isAsked) this.#directory.forget();
        addr = next.addr;
      }
    }
  }

  async #send(connection: RedisConnection, { text, rest, bytes }: Script, isAsked: boolean): Promise<unknown> {
    const say = (words: readonly Word[]): Promise<unknown> => {
      if (isAsked) connection.send(["ASKING"]).catch(() => {}); // what comes of it, the next command tells
      return connection.send(words, bytes);
    };
    try {
      return await say(["EVALSHA", this.#hashOf(text), ...rest]);
    } catch (error) {
      if (!(error instanceof RedisError) || !error.reply?.startsWith("NOSCRIPT")) throw error;
      return say(["EVAL", text, ...rest]);
    }
  }

  /** Whoever was asked is the right one, and said no. */
  #isAnswer(error: unknown): boolean {
    const { kind, reply } = error as RedisError;
    if (kind === "script" || kind === "full") return true;
    return kind === "other" && reply !== null && this.#place.kind === "single";
  }

  /** Joins who connects already. It goes on when nobody waits for it any more: the next one does. */
  async #connectionTo(addr: string): Promise<RedisConnection> {
    const known = this.#connections.get(addr);
    if (known !== undefined) {
      const connection = await known;
      if (connection.isOpen) return connection;
      if (this.#connections.get(addr) === known) this.#connections.delete(addr);
      return this.#connectionTo(addr);
    }
    if (this.#connections.size >= MOST_CONNECTIONS) this.#drop(this.#connections.keys().next().value!);
    const opened = this.#open(addr).catch((error) => {
      if (this.#connections.get(addr) === opened) this.#connections.delete(addr);
      throw error;
    });
    opened.catch(() => {});
    this.#connections.set(addr, opened);
    return opened;
  }

  async #open(addr: string): Promise<RedisConnection> {
    const connection = await RedisConnection.open(addr, accessTo(this.#place));
    try {
      await this.#directory.check(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  #drop(addr: string): void {
    const opened = this.#connections.get(addr);
    this.#connections.delete(addr);
    opened?.then(
      (connection) => connection.close(),
      () => {},
    );
  }

  #lateness({ connection }: Asking, timeoutMs: number): RedisError {
    const missing = connection === null ? "connection" : "answer";
    const where = connection?.where ?? this.#place.addrs.join(", ");
    return new RedisError("timeout", `${where}: no ${missing} within ${timeoutMs} ms`);
  }

  #hashOf(text: string): string {
    const known = this.#hashes.get(text);
    if (known !== undefined) return known;
    if (this.#hashes.size >= MOST_SCRIPTS) this.#hashes.clear();
    const hash = new Bun.CryptoHasher("sha1").update(text).digest("hex");
    this.#hashes.set(text, hash);
    return hash;
  }
}

function word(arg: string | Uint8Array): Word {
  return typeof arg === "string" ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength);
}

/** A server of a Redis Cluster says who has the slot: from now on, or for this once. `null` = it says something else. */
function sentOn(error: unknown, from: string): { readonly addr: string; readonly once: boolean } | null {
  const reply = error instanceof RedisError ? error.reply : null;
  const match = /^(MOVED|ASK) \d+ (\S*):(\d+)$/.exec(reply ?? "");
  if (match === null) return null;
  const host = match[2] === "" ? from.slice(0, from.lastIndexOf(":")) : match[2];
  const addr = nodeAddress(host.replace(/^\[(.*)\]$/, "$1"), Number(match[3]));
  return addr === null ? null : { addr, once: match[1] === "ASK" };
}
