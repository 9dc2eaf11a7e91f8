/** One connection to one server of Redis, by the library: what comes of it is an answer or a `RedisError`. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { RedisTlsFiles } from "../../protocol/redis-place.ts";
import { errorOfConnection, errorOfReply, noConnection, RedisError } from "./redis-error.ts";

/** A connection that takes longer is given up: with TLS, a password and a far place it is a few round trips. */
const CONNECT_MS = 2000;
/** Commands that may wait for the socket; a link asks a few at a time. */
const MOST_WAITING = 1000;

/** A command's word: text, or bytes as they are. */
export type Word = string | Buffer;

/** With which right it is spoken with. */
export interface RedisAccess {
  readonly username: string | null;
  readonly password: string | null;
  readonly db: number;
  readonly tls: RedisTlsFiles | null;
  /** The setting that has the password, for who reads an error. */
  readonly passwordSetting: string;
}

type Library = typeof import("@redis/client");

/** What is used of the library's client. */
interface Client {
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  sendCommand(words: readonly Word[], options?: { readonly typeMapping?: object }): Promise<unknown>;
}

/** Made by `open`; when it has failed, or is closed, it stays so. */
export class RedisConnection {
  /** host:port. */
  readonly where: string;
  readonly #library: Library;
  readonly #access: RedisAccess;
  readonly #client: Client;
  #isOpen = true;
  #isGreeted = false;
  /** Why it broke off: what was under way only says that it did. */
  #cause: Error | null = null;

  private constructor(library: Library, where: string, access: RedisAccess) {
    this.where = where;
    this.#library = library;
    this.#access = access;
    const options = { ...usual(access), socket: { ...placeOf(where), ...tlsOf(where, access.tls) } };
    this.#client = library.createClient(options as Parameters<Library["createClient"]>[0]) as unknown as Client;
    this.#client.on("error", (error) => {
      this.#cause ??= error;
      this.close();
    });
  }

  /** Rejects with a `RedisError`, after two seconds at the latest. */
  static async open(where: string, access: RedisAccess): Promise<RedisConnection> {
    const library = await import("@redis/client");
    const connection = new RedisConnection(library, where, access);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(noConnection(where, access.tls !== null)), CONNECT_MS);
    try {
      await Promise.race([connection.#connect(), late.promise]);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** False when it broke off or was closed. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Rejects with a `RedisError`; never for lack of time: who waits, closes it. @param bytes bulk replies as bytes, not as text. */
  async send(words: readonly Word[], bytes = false): Promise<unknown> {
    const { BLOB_STRING } = this.#library.RESP_TYPES;
    const options = bytes ? { typeMapping: { [BLOB_STRING]: Buffer } } : {};
    try {
      return await this.#client.sendCommand(words, options);
    } catch (error) {
      throw this.#inWords(error as Error);
    }
  }

  /** At once: what it has sent is not answered any more. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#client.destroy();
    } catch {
      // It was closed by the other end.
    }
  }

  /** It has to answer before it is told anything: what hangs takes what it is sent, and does it when it wakes up. */
  async #connect(): Promise<void> {
    try {
      await this.#client.connect();
      await this.#client.sendCommand(["PING"]);
    } catch (error) {
      const said = this.#inWords(error as Error);
      if (!said.reply?.startsWith("NOPERM")) throw said;
    }
    this.#isGreeted = true;
  }

  #inWords(error: Error): RedisError {
    const { passwordSetting, tls } = this.#access;
    if (this.#cause === null && !this.#isOpen)
      return new RedisError("timeout", `the connection to ${this.where} was given up for want of an answer`);
    if (error instanceof this.#library.ErrorReply) return errorOfReply(error.message, this.where, passwordSetting);
    return errorOfConnection(this.#cause ?? error, this.where, this.#isGreeted ? "open" : "connecting", tls !== null);
  }
}

/** Nothing waits for a connection, nothing is tried again by itself, and RESP2 is what all versions speak. */
function usual({ username, password, db }: RedisAccess): object {
  return {
    RESP: 2,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    ...(db === 0 ? {} : { database: db }),
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: "disabled",
    commandsQueueMaxLength: MOST_WAITING,
  };
}

function placeOf(where: string): object {
  const colon = where.lastIndexOf(":");
  const host = where.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(where.slice(colon + 1)), connectTimeout: CONNECT_MS, reconnectStrategy: false };
}

function tlsOf(where: string, files: RedisTlsFiles | null): object {
  if (files === null) return {};
  const host = where.slice(0, where.lastIndexOf(":"));
  const { caFile, certFile, keyFile } = files;
  return {
    tls: true,
    ...(isIP(host.replace(/^\[(.*)\]$/, "$1")) === 0 ? { servername: host } : {}),
    ...(caFile === null ? {} : { ca: pem("REDIS_TLS_CA_FILE", caFile) }),
    ...(certFile === null ? {} : { cert: pem("REDIS_TLS_CERT_FILE", certFile) }),
    ...(keyFile === null ? {} : { key: pem("REDIS_TLS_KEY_FILE", keyFile) }),
  };
}

function pem(setting: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new RedisError("tls", `${setting}: cannot read ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
}
