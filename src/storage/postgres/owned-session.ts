/**
 * The session of the one process that owns a part of the store under an instance's name. It has the name's lock as long as it
 * lives; each transaction looks whether the name is still this process's, because a session can be lost without its knowledge
 * (a pooler in between, a network that came apart). Which batches were written is noted with them: an answer that was lost
 * does not write a batch twice.
 */
import type { StorePart } from "../parts.ts";
import { StoreError } from "../store-error.ts";
import { describeLocation, type PostgresLocation } from "./location.ts";
import { type LockName, tryLock } from "./schema/locks.ts";
import { migrateUp } from "./schema/migrate.ts";
import { type DatabaseSchema, requireCurrent } from "./schema/state.ts";
import { POSTGRES_STEPS, type PostgresStep } from "./schema/tables.ts";
import { Session } from "./wire/session.ts";

/** Batches that are remembered of an owner. One is on its way at a time. */
const REMEMBERED_BATCHES = 32;

/** What an owner's session is for. */
export interface OwnedSessionOptions {
  readonly part: StorePart;
  readonly instance: string;
  /** Other steps than the product's, in tests. */
  readonly steps?: readonly PostgresStep[];
  /** Done with each new session, before it is used. */
  readonly prepare: (session: Session, schema: DatabaseSchema) => Promise<void>;
}

/** See the top of this file. */
export class OwnedSession {
  readonly #where: PostgresLocation;
  readonly #options: OwnedSessionOptions;
  #session: Session | null = null;
  /** What the last session of this process left in `owners`; empty = there was none. */
  #token = "";

  constructor(where: PostgresLocation, options: OwnedSessionOptions) {
    this.#where = where;
    this.#options = options;
  }

  /** The session, opened when there is none that is fit. Rejects with a `StoreError`. */
  async get(): Promise<Session> {
    const session = this.#session;
    if (session !== null && !session.isDead && !session.isOld) return session;
    await this.close();
    const next = await Session.open(this.#where, this.#options.part);
    try {
      await this.#takeOver(next);
    } catch (error) {
      await next.close();
      throw error;
    }
    this.#session = next;
    return next;
  }

  /**
   * Runs `work` in a transaction of the owner's. It is told whether a batch of this id was written before.
   * @param before what is done on the same session before the transaction.
   */
  async write<T>(
    batchId: string,
    work: (session: Session, isWritten: boolean) => Promise<T>,
    before: (session: Session) => Promise<void> = async () => {},
  ): Promise<T> {
    const { instance, part } = this.#options;
    const session = await this.get();
    await before(session);
    return session.transaction(async () => {
      const [owned] = await session.query<{ known: boolean }>(
        "SELECT $4 = ANY(batches) AS known FROM owners WHERE instance = $1 AND part = $2 AND token = $3 FOR UPDATE",
        [instance, part, this.#token, batchId],
      );
      if (owned === undefined) throw this.#inUse();
      if (!owned.known) {
        await session.query(
          `UPDATE owners SET batches = (array_prepend($3, batches))[1:${REMEMBERED_BATCHES}] WHERE instance = $1 AND part = $2`,
          [instance, part, batchId],
        );
      }
      return work(session, owned.known);
    });
  }

  /** Ends the session, and with it the lock. Never rejects. */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.release();
  }

  async #takeOver(session: Session): Promise<void> {
    const { part, instance, steps = POSTGRES_STEPS, prepare } = this.#options;
    const newest = steps.at(-1)!.version;
    const schema = await migrateUp(session, this.#where, steps, newest);
    requireCurrent(schema, newest, this.#where);
    if (!(await tryLock(session, "in use", "shared"))) {
      throw new StoreError("locked", `${describeLocation(this.#where)}: its tables are being migrated`);
    }
    const name: LockName = `owner ${part} ${instance}`;
    if (!(await tryLock(session, name))) {
      await this.#endOwnRemains(session);
      if (!(await tryLock(session, name))) throw this.#inUse();
    }
    // Batches of another process are nothing to this one.
    const [owner] = await session.query<{ token: string }>(
      `INSERT INTO owners (instance, part, token, since, pid)
         VALUES ($1, $2, gen_random_uuid()::text, now(), pg_backend_pid())
       ON CONFLICT (instance, part) DO UPDATE
         SET token = excluded.token, since = excluded.since, pid = excluded.pid,
           batches = CASE WHEN owners.token = $3 THEN owners.batches ELSE '{}' END
       RETURNING token`,
      [instance, part, this.#token],
    );
    this.#token = owner.token;
    await prepare(session, schema);
  }

  /** The session before this one, where the server has not noticed that its connection is gone. */
  async #endOwnRemains(session: Session): Promise<void> {
    const { part, instance } = this.#options;
    await session.query(
      `SELECT pg_terminate_backend(owners.pid) FROM owners JOIN pg_stat_activity USING (pid)
       WHERE instance = $1 AND part = $2 AND token = $3 AND usename = current_user AND backend_start <= since`,
      [instance, part, this.#token],
    );
    // It ends at once, and still takes a moment.
    for (let tries = 0; tries < 20; tries++) {
      const left = await session.query(
        "SELECT 1 FROM owners JOIN pg_stat_activity USING (pid) WHERE instance = $1 AND part = $2 AND token = $3",
        [instance, part, this.#token],
      );
      if (left.length === 0) return;
      await session.query("SELECT pg_sleep(0.05)");
    }
  }

  #inUse(): StoreError {
    const { instance } = this.#options;
    return new StoreError(
      "in_use",
      `INSTANCE_NAME ${instance}: another instance writes under this name in ${describeLocation(this.#where)}: give each its own`,
    );
  }
}
