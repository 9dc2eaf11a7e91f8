/**
 * One connection to the database, with limits of time on this side as well: a server that hangs never answers, and the driver
 * would wait for ever. A session that failed to answer, or whose connection ended, is dead for good; whoever has it opens
 * another. The driver's own pool is not used: it would replace a connection in silence, without the locks that it had.
 */
import { type ReservedSQL, SQL } from "bun";
import { StoreError } from "../../store-error.ts";
import { storeErrorOf } from "../errors.ts";
import { describeLocation, type PostgresLocation } from "../location.ts";

/** How much longer than the server an answer may take on the way. */
const GRACE_MS = 1_000;
/** How long the end may take to be said. */
const LAST_WORD_MS = 150;

/** What a statement is given: whole numbers, texts, bytes, `null`, times; lists are PostgreSQL's arrays. */
export type Parameter = string | number | boolean | Date | Uint8Array | null | readonly (string | number | null)[];

/** Who connects, as the server's list of sessions shows it. */
export type Purpose = "learning" | "history" | "reader" | "trainer" | "migrate" | "check" | "operations";

/** See the top of this file. */
export class Session {
  readonly #where: PostgresLocation;
  readonly #pool: SQL;
  readonly #connection: ReservedSQL;
  #limitMs: number;
  #isDead = false;
  #isOld = false;
  #ageing: Timer | undefined;

  private constructor(where: PostgresLocation, pool: SQL, connection: ReservedSQL) {
    this.#where = where;
    this.#pool = pool;
    this.#connection = connection;
    this.#limitMs = where.statementTimeoutMs;
    if (where.connectionLifetimeMs > 0) {
      this.#ageing = setTimeout(() => {
        this.#isOld = true;
      }, where.connectionLifetimeMs);
      this.#ageing.unref();
    }
  }

  /** Connects. Rejects with a `StoreError`. */
  static async open(where: PostgresLocation, purpose: Purpose): Promise<Session> {
    let pool: SQL | null = null;
    try {
      pool = new SQL(await optionsOf(where, purpose));
      const connection = await limited(pool.reserve(), where.connectTimeoutMs + GRACE_MS, () => noConnection(where));
      const session = new Session(where, pool, connection);
      await session.#prepare();
      return session;
    } catch (error) {
      await drop(pool);
      throw storeErrorOf(error, where);
    }
  }

  /** Its connection is lost, or does not answer. */
  get isDead(): boolean {
    return this.#isDead;
  }

  /** As old as a connection may get: it is to be replaced when nothing runs on it. */
  get isOld(): boolean {
    return this.#isOld;
  }

  /** Rows of one statement. Rejects with a `StoreError`, or with what is wrong with the parameters. */
  async query<Row>(text: string, parameters: readonly Parameter[] = []): Promise<readonly Row[]> {
    const query = this.#connection.unsafe(text, parameters.map(toDriver));
    return (await this.#answer(query)) as unknown as readonly Row[];
  }

  /** How many rows a statement changed. */
  async change(text: string, parameters: readonly Parameter[] = []): Promise<number> {
    const query = this.#connection.unsafe(text, parameters.map(toDriver));
    return (await this.#answer(query)).count;
  }

  /** Several statements without parameters, separated by semicolons. */
  async script(text: string): Promise<void> {
    await this.#answer(this.#connection.unsafe(text).simple());
  }

  /** Hands rows in COPY's binary format to a `COPY … FROM STDIN (FORMAT binary)`. */
  async copy(text: string, bytes: Uint8Array): Promise<void> {
    const query = this.#connection.unsafe(text);
    const writer = query.writable().getWriter();
    const sent = (async () => {
      await writer.write(bytes);
      await writer.close();
    })();
    await this.#answer(sent);
  }

  /** Runs `work` between BEGIN and COMMIT; what it rejects with takes all of it back. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.script("BEGIN");
    let result: T;
    try {
      result = await work();
    } catch (error) {
      if (!this.#isDead) await this.script("ROLLBACK").catch(() => this.close());
      throw error;
    }
    await this.script("COMMIT");
    return result;
  }

  /** Within a transaction: its statements may take as long as this, such as the steps of a migration. */
  async allow(limitMs: number): Promise<void> {
    await this.query(`SELECT set_config('statement_timeout', $1, true)`, [String(limitMs)]);
    this.#limitMs = limitMs;
  }

  /** What was allowed is over. */
  disallow(): void {
    this.#limitMs = this.#where.statementTimeoutMs;
  }

  /** Gives its locks up first, so that whoever waits for them need not wait until the server has noticed. Never rejects. */
  async release(): Promise<void> {
    if (!this.#isDead) {
      const unlocked = this.#connection.unsafe("SELECT pg_advisory_unlock_all()").execute();
      await limited(unlocked, LAST_WORD_MS, () => new Error("no answer")).catch(() => {});
    }
    await this.close();
  }

  /** Ends the connection at once, whatever runs on it. Never rejects. */
  async close(): Promise<void> {
    this.#isDead = true;
    clearTimeout(this.#ageing);
    await drop(this.#pool);
  }

  async #prepare(): Promise<void> {
    const { statementTimeoutMs } = this.#where;
    // Set here, not while connecting: poolers in between refuse to pass these on. The server asks whether this side is still
    // there: a lock must not stay with a machine that is gone.
    await this.query(
      `SELECT set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $2, false),
         set_config('timezone', 'UTC', false), set_config('client_min_messages', 'warning', false),
         set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
         set_config('tcp_keepalives_count', '3', false)`,
      [String(statementTimeoutMs), String(statementTimeoutMs + GRACE_MS)],
    );
  }

  async #answer<T>(answer: Promise<T>): Promise<T> {
    try {
      return await limited(answer, this.#limitMs + GRACE_MS, () => this.#noAnswer());
    } catch (error) {
      const failure = storeErrorOf(error, this.#where);
      if (endsConnection(error)) await this.close();
      throw failure;
    }
  }

  #noAnswer(): StoreError {
    const seconds = (this.#limitMs + GRACE_MS) / 1_000;
    void this.close();
    return new StoreError("unavailable", `${describeLocation(this.#where)}: no answer for ${seconds} s`);
  }
}

/** What `promise` becomes; when that takes longer, the error of `late`. */
async function limited<T>(promise: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: Timer | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function noConnection(where: PostgresLocation): StoreError {
  const { connectTimeoutMs } = where;
  return new StoreError(
    "unavailable",
    `${describeLocation(where)}: no connection within DB_CONNECT_TIMEOUT_MS (${connectTimeoutMs})`,
  );
}

/** Everything is said here: what is not, the driver would take from variables of the environment that are not ours. */
async function optionsOf(where: PostgresLocation, purpose: Purpose): Promise<SQL.Options> {
  const { host, port, database, user, password, sslMode, sslRootCert, connectTimeoutMs } = where;
  const ca = sslRootCert !== null && sslMode.startsWith("verify") ? await Bun.file(sslRootCert).text() : null;
  return {
    adapter: "postgres",
    // The mode stands in the URL, because beside a `ca` the option can only say `verify-full`.
    url: `postgres://localhost?sslmode=${sslMode}`,
    hostname: host,
    port,
    database,
    username: user,
    password,
    tls: ca === null ? sslMode : { ca },
    max: 1,
    connectionTimeout: connectTimeoutMs / 1_000,
    idleTimeout: 0,
    maxLifetime: 0,
    channelBinding: sslMode === "disable" ? "disable" : "prefer",
    connection: { application_name: `neurabalancer ${purpose}` },
  };
}

/** Never rejects. */
async function drop(pool: SQL | null): Promise<void> {
  try {
    await pool?.close({ timeout: 0 });
  } catch {
    // It is closed.
  }
}

/** The server, or the way to it, has ended it. */
function endsConnection(error: unknown): boolean {
  const { errno, code, severity } = (error ?? {}) as { errno?: unknown; code?: unknown; severity?: unknown };
  if (severity === "FATAL" || severity === "PANIC") return true;
  if (typeof errno === "string" && /^(57P|08|25P03)/.test(errno)) return true;
  return typeof code === "string" && code.startsWith("ERR_POSTGRES_") && !(typeof errno === "string");
}

function toDriver(parameter: Parameter): unknown {
  return Array.isArray(parameter) ? arrayLiteral(parameter as readonly (string | number | null)[]) : parameter;
}

/** As PostgreSQL writes an array: the statement casts it to what it is of. */
function arrayLiteral(values: readonly (string | number | null)[]): string {
  const entries = values.map((value) => {
    if (value === null) return "NULL";
    return typeof value === "number" ? String(value) : `"${value.replace(/[\\"]/g, "\\$&")}"`;
  });
  return `{${entries.join(",")}}`;
}
