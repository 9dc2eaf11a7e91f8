/** Versions of the model in SQLite. */
import type { Database } from "bun:sqlite";
import type {
  Model,
  ModelQuery,
  ModelStatus,
  NewModel,
  StatusOptions,
  StoredModelFiles,
  StoreLimits,
} from "../../learning-store.ts";
import { type KeptModel, modelReport, surplusModels } from "../../model-rules.ts";

interface StoredModel extends Omit<Model, "report"> {
  readonly report: string;
}

const SELECT = `SELECT pool, version, created_at AS createdAtMs, origin, parent AS parentVersion, status,
  status_at AS statusAtMs, promoted_at AS promotedAtMs, report FROM models`;
const BYTES = "length(onnx) + length(scaler) + length(features) + length(report)";

/** The models of one connection. What changes more than one row wants the caller's transaction. */
export class ModelTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Returns the version; models that are too many go. Throws a `RangeError` when the model is too large. */
  insert(model: NewModel, limits: StoreLimits): number {
    const { pool, createdAtMs, origin, parentVersion, status, files } = model;
    const report = modelReport(model);
    const first: ModelStatus = status === "champion" ? "candidate" : status;
    const { lastInsertRowid } = this.#db
      .query(
        `INSERT INTO models (pool, created_at, origin, parent, status, status_at, report, scaler, features, onnx)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        pool,
        createdAtMs,
        origin,
        parentVersion,
        first,
        createdAtMs,
        report,
        files.scalerJson,
        files.featuresJson,
        files.onnx,
      );
    const version = Number(lastInsertRowid);
    if (status !== first) this.setStatus(version, status, createdAtMs);
    this.#prune(limits);
    return version;
  }

  /** See `LearningStore.setModelStatus`. */
  setStatus(version: number, status: ModelStatus, atMs: number, options: StatusOptions = {}): void {
    const before = this.get(version);
    if (before === null) throw new RangeError(`there is no model ${version}`);
    if (before.status === status) return;
    if (status === "champion") {
      this.#db
        .query("UPDATE models SET status = ?, status_at = ? WHERE pool = ? AND status = 'champion'")
        .run(options.outgoing ?? "retired", atMs, before.pool);
      // Not the time says who came last, the clock may have been set, but a count.
      this.#db
        .query(
          `UPDATE models SET promoted_at = ?, promotion = (SELECT coalesce(max(promotion), 0) + 1 FROM models)
           WHERE version = ?`,
        )
        .run(atMs, version);
    }
    this.#db.query("UPDATE models SET status = ?, status_at = ? WHERE version = ?").run(status, atMs, version);
  }

  get(version: number): Model | null {
    return toModel(this.#db.query<StoredModel, [number]>(`${SELECT} WHERE version = ?`).get(version));
  }

  champion(pool: string): Model | null {
    return toModel(this.#db.query<StoredModel, [string]>(`${SELECT} WHERE pool = ? AND status = 'champion'`).get(pool));
  }

  previousChampion(pool: string): Model | null {
    const query = `${SELECT} WHERE pool = ? AND status = 'retired' AND promotion IS NOT NULL
      ORDER BY promotion DESC LIMIT 1`;
    return toModel(this.#db.query<StoredModel, [string]>(query).get(pool));
  }

  /** The newest first. */
  list({ limit, pool }: ModelQuery): Model[] {
    const where = pool === undefined ? "" : "WHERE pool = ?";
    const values = pool === undefined ? [limit] : [pool, limit];
    const query = `${SELECT} ${where} ORDER BY version DESC LIMIT ?`;
    const rows = this.#db.query<StoredModel, (string | number)[]>(query).all(...values);
    return rows.map((row) => toModel(row)!);
  }

  files(version: number): StoredModelFiles | null {
    return this.#db
      .query<StoredModelFiles, [number]>(
        "SELECT onnx, scaler AS scalerJson, features AS featuresJson FROM models WHERE version = ?",
      )
      .get(version);
  }

  /** The highest version that was ever given; 0 before the first. */
  lastVersion(): number {
    const query = "SELECT seq FROM sqlite_sequence WHERE name = 'models'";
    return this.#db.query<{ seq: number }, []>(query).get()?.seq ?? 0;
  }

  /** Versions up to `version` are taken: models of a file that is lost had them. */
  skipTo(version: number): void {
    if (version <= this.lastVersion()) return;
    this.#db.query("DELETE FROM sqlite_sequence WHERE name = 'models'").run();
    this.#db.query<unknown, [number]>("INSERT INTO sqlite_sequence (name, seq) VALUES ('models', ?)").run(version);
  }

  #prune(limits: StoreLimits): void {
    const models = this.#db
      .query<KeptModel, []>(
        `SELECT pool, version, status, promotion, ${BYTES} AS bytes FROM models ORDER BY version DESC`,
      )
      .all();
    const remove = this.#db.query<unknown, [number]>("DELETE FROM models WHERE version = ?");
    for (const version of surplusModels(models, limits)) remove.run(version);
  }
}

function toModel(row: StoredModel | null): Model | null {
  return row === null ? null : { ...row, report: JSON.parse(row.report) as unknown };
}
