/** Versions of the model in SQLite. */
import type { Database } from "bun:sqlite";
import type {
  Model,
  ModelOrigin,
  ModelStatus,
  NewModel,
  StatusOptions,
  StoredModelFiles,
  StoreLimits,
} from "./learning-store.ts";

/** Files and report of one model together: several hundred times our own model, and room for those made elsewhere. */
export const MAX_MODEL_BYTES = 4 * 1024 * 1024;
/** Share of the store's bytes that models may take. */
const MODELS_SHARE = 0.25;
/** Former champions that are kept beside the newest models. */
const KEPT_CHAMPIONS = 10;

interface StoredModel {
  readonly version: number;
  readonly createdAtMs: number;
  readonly origin: ModelOrigin;
  readonly parentVersion: number | null;
  readonly status: ModelStatus;
  readonly statusAtMs: number;
  readonly promotedAtMs: number | null;
  readonly report: string;
}

const SELECT = `SELECT version, created_at_ms AS createdAtMs, origin, parent AS parentVersion, status,
  status_at_ms AS statusAtMs, promoted_at_ms AS promotedAtMs, report FROM models`;
const BYTES = "length(onnx) + length(scaler) + length(features) + length(report)";

/** The models of one connection. What changes more than one row wants the caller's transaction. */
export class ModelTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Returns the version; models that are too many go. Throws a `RangeError` when the model is too large. */
  insert(model: NewModel, limits: StoreLimits): number {
    const { createdAtMs, origin, parentVersion, status, files } = model;
    const report = JSON.stringify(model.report ?? null);
    const bytes = files.onnx.length + files.scalerJson.length + files.featuresJson.length + report.length;
    if (bytes > MAX_MODEL_BYTES) {
      throw new RangeError(`the model has ${bytes} bytes with its report, and at most ${MAX_MODEL_BYTES} are kept`);
    }
    const first: ModelStatus = status === "champion" ? "candidate" : status;
    const { lastInsertRowid } = this.#db
      .query(
        `INSERT INTO models (created_at_ms, origin, parent, status, status_at_ms, report, scaler, features, onnx)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
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
    this.#prune(limits.maxModels, limits.maxBytes * MODELS_SHARE);
    return version;
  }

  /** See `LearningStore.setModelStatus`. */
  setStatus(version: number, status: ModelStatus, atMs: number, options: StatusOptions = {}): void {
    const before = this.get(version);
    if (before === null) throw new RangeError(`there is no model ${version}`);
    if (before.status === status) return;
    if (status === "champion") {
      this.#db
        .query("UPDATE models SET status = ?, status_at_ms = ? WHERE status = 'champion'")
        .run(options.outgoing ?? "retired", atMs);
      // Not the time says who came last, the clock may have been set, but a count.
      this.#db
        .query(
          `UPDATE models SET promoted_at_ms = ?, promotion = (SELECT coalesce(max(promotion), 0) + 1 FROM models)
           WHERE version = ?`,
        )
        .run(atMs, version);
    }
    this.#db.query("UPDATE models SET status = ?, status_at_ms = ? WHERE version = ?").run(status, atMs, version);
  }

  get(version: number): Model | null {
    return toModel(this.#db.query<StoredModel, [number]>(`${SELECT} WHERE version = ?`).get(version));
  }

  champion(): Model | null {
    return toModel(this.#db.query<StoredModel, []>(`${SELECT} WHERE status = 'champion'`).get());
  }

  previousChampion(): Model | null {
    const query = `${SELECT} WHERE status = 'retired' AND promotion IS NOT NULL ORDER BY promotion DESC LIMIT 1`;
    return toModel(this.#db.query<StoredModel, []>(query).get());
  }

  /** The newest first. */
  list(limit: number): Model[] {
    const rows = this.#db.query<StoredModel, [number]>(`${SELECT} ORDER BY version DESC LIMIT ?`).all(limit);
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

  /**
   * Deletes the oldest models beyond `maxModels` or `maxBytes`, but never one in use (champion, canary, shadow) nor one
   * of the last ten former champions, where `previousChampion` is found.
   */
  #prune(maxModels: number, maxBytes: number): void {
    const rows = this.#db
      .query<{ version: number; bytes: number; needed: number }, [number]>(
        `SELECT version, ${BYTES} AS bytes, status IN ('champion', 'canary', 'shadow') OR version IN
           (SELECT version FROM models WHERE status = 'retired' AND promotion IS NOT NULL
            ORDER BY promotion DESC LIMIT ?) AS needed
         FROM models ORDER BY version DESC`,
      )
      .all(KEPT_CHAMPIONS);
    const remove = this.#db.query<unknown, [number]>("DELETE FROM models WHERE version = ?");
    let kept = 0;
    let keptBytes = 0;
    for (const { version, bytes, needed } of rows) {
      if (needed === 0 && (kept >= maxModels || keptBytes + bytes > maxBytes)) {
        remove.run(version);
        continue;
      }
      kept++;
      keptBytes += bytes;
    }
  }
}

function toModel(row: StoredModel | null): Model | null {
  return row === null ? null : { ...row, report: JSON.parse(row.report) as unknown };
}
