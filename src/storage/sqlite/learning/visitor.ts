/** The file of what is learned as those see it who do not own it. */
import type { LearningVisitor } from "../../backend.ts";
import type { NewModel, StoreLimits } from "../../learning-store.ts";
import type { Connection } from "../connection.ts";
import { SqliteVisit } from "../visitor.ts";
import { type LearningTables, learningPart } from "./part.ts";
import { SqliteLearningReads } from "./reads.ts";

/** See the top of this file. */
export class SqliteLearningVisitor extends SqliteLearningReads implements LearningVisitor {
  readonly #visit: SqliteVisit<LearningTables>;
  readonly #limits: StoreLimits;

  constructor(path: string, access: "read" | "write", features: readonly string[], limits: StoreLimits) {
    super();
    this.#visit = new SqliteVisit(path, access, learningPart(features));
    this.#limits = limits;
  }

  insertModel(model: NewModel): Promise<number> {
    return this.use((connection) => connection.transaction(() => connection.tables.models.insert(model, this.#limits)));
  }

  close(): Promise<void> {
    return this.#visit.close();
  }

  protected override use<T>(work: (connection: Connection<LearningTables>) => T): Promise<T> {
    return this.#visit.use(work);
  }
}
