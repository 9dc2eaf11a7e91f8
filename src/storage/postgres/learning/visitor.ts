/** What is learned in PostgreSQL, as those see it who do not own it. */
import type { LearningVisitOptions, LearningVisitor } from "../../backend.ts";
import type { NewModel } from "../../learning-store.ts";
import { StoreError } from "../../store-error.ts";
import type { PostgresLocation } from "../location.ts";
import { greetVisitor } from "../schema/greet-visitor.ts";
import type { Session } from "../wire/session.ts";
import { SessionPool } from "../wire/session-pool.ts";
import { ModelTable } from "./model-table.ts";
import { PostgresLearningReads } from "./reads.ts";

/** See the top of this file. */
export class PostgresLearningVisitor extends PostgresLearningReads implements LearningVisitor {
  readonly #access: "read" | "write";
  readonly #options: LearningVisitOptions;
  readonly #sessions: SessionPool;

  constructor(where: PostgresLocation, access: "read" | "write", options: LearningVisitOptions) {
    super(where.instance, options.features);
    this.#access = access;
    this.#options = options;
    const purpose = access === "read" ? "reader" : "trainer";
    this.#sessions = new SessionPool(where, purpose, (session) => greetVisitor(session, where, access));
  }

  insertModel(model: NewModel): Promise<number> {
    if (this.#access === "read") {
      return Promise.reject(new StoreError("read_only", "the store was opened to be read"));
    }
    return this.use((session) =>
      session.transaction(() => new ModelTable(session, this.instance).insert(model, this.#options.limits)),
    );
  }

  close(): Promise<void> {
    return this.#sessions.close();
  }

  protected override use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#sessions.use(work);
  }
}
