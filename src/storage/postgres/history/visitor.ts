/** What happened in PostgreSQL, as those see it who do not own it. */
import type { HistoryVisitor } from "../../backend.ts";
import type { PostgresLocation } from "../location.ts";
import { greetVisitor } from "../schema/greet-visitor.ts";
import type { Session } from "../wire/session.ts";
import { SessionPool } from "../wire/session-pool.ts";
import { PostgresHistoryReads } from "./reads.ts";

/** See the top of this file. */
export class PostgresHistoryVisitor extends PostgresHistoryReads implements HistoryVisitor {
  readonly #sessions: SessionPool;

  constructor(where: PostgresLocation) {
    super();
    this.#sessions = new SessionPool(where, "reader", (session) => greetVisitor(session, where, "read"));
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  protected override use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#sessions.use(work);
  }
}
