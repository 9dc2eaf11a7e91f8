/** Versions of the model in PostgreSQL: numbered over all instances, and each instance's own. */
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
import type { Session } from "../wire/session.ts";

interface StoredModel extends Omit<Model, "report" | "createdAtMs" | "statusAtMs" | "promotedAtMs"> {
  readonly report: string;
  readonly createdAt: Date;
  readonly statusAt: Date;
  readonly promotedAt: Date | null;
}

const SELECT = `SELECT pool, version::float8 AS version, created_at AS "createdAt", origin,
  parent::float8 AS "parentVersion", status, status_at AS "statusAt", promoted_at AS "promotedAt", report FROM models`;
const BYTES = "octet_length(onnx) + octet_length(scaler) + octet_length(features) + octet_length(report)";

/** The models of an instance, on one session. What changes more than one row wants the caller's transaction. */
export class ModelTable {
  readonly #session: Session;
  readonly #instance: string;

  constructor(session: Session, instance: string) {
    this.#session = session;
    this.#instance = instance;
  }

  /** Returns the version; models that are too many go. Throws a `RangeError` when the model is too large. */
  async insert(model: NewModel, limits: StoreLimits): Promise<number> {
    const { pool, createdAtMs, origin, parentVersion, status, files } = model;
    const report = modelReport(model);
    const first: ModelStatus = status === "champion" ? "candidate" : status;
    // A row and not a sequence: versions that were given and taken back would be missing.
    const [{ version }] = await this.#session.query<{ version: number }>(
      "UPDATE model_versions SET last = last + 1 RETURNING last::float8 AS version",
    );
    const created = new Date(createdAtMs);
    await this.#session.query(
      `INSERT INTO models (version, instance, pool, created_at, origin, parent, status, status_at, report, scaler, features, onnx)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $4, $8, $9, $10, $11)`,
      [
        version,
        this.#instance,
        pool,
        created,
        origin,
        parentVersion,
        first,
        report,
        files.scalerJson,
        files.featuresJson,
        files.onnx,
      ],
    );
    if (status !== first) await this.setStatus(version, status, createdAtMs);
    await this.#prune(limits);
    return version;
  }

  /** See `LearningStore.setModelStatus`. */
  async setStatus(version: number, status: ModelStatus, atMs: number, options: StatusOptions = {}): Promise<void> {
    const [before] = await this.#session.query<{ pool: string; status: ModelStatus }>(
      "SELECT pool, status FROM models WHERE version = $1 AND instance = $2 FOR UPDATE",
      [version, this.#instance],
    );
    if (before === undefined) throw new RangeError(`there is no model ${version}`);
    if (before.status === status) return;
    const at = new Date(atMs);
    if (status === "champion") {
      await this.#session.query(
        "UPDATE models SET status = $1, status_at = $2 WHERE instance = $3 AND pool = $4 AND status = 'champion'",
        [options.outgoing ?? "retired", at, this.#instance, before.pool],
      );
      // Not the time says who came last, the clock may have been set, but a count.
      await this.#session.query(
        `UPDATE models SET promoted_at = $1, promotion = (SELECT coalesce(max(promotion), 0) + 1 FROM models)
         WHERE version = $2`,
        [at, version],
      );
    }
    await this.#session.query("UPDATE models SET status = $1, status_at = $2 WHERE version = $3", [
      status,
      at,
      version,
    ]);
  }

  async get(version: number): Promise<Model | null> {
    return this.#one("version = $2", [version]);
  }

  async champion(pool: string): Promise<Model | null> {
    return this.#one("pool = $2 AND status = 'champion'", [pool]);
  }

  async previousChampion(pool: string): Promise<Model | null> {
    return this.#one("pool = $2 AND status = 'retired' AND promotion IS NOT NULL ORDER BY promotion DESC LIMIT 1", [
      pool,
    ]);
  }

  /** The newest first. */
  async list({ limit, pool }: ModelQuery): Promise<Model[]> {
    const rows = await this.#session.query<StoredModel>(
      `${SELECT} WHERE instance = $1 AND ($2::text IS NULL OR pool = $2) ORDER BY version DESC LIMIT $3`,
      [this.#instance, pool ?? null, limit],
    );
    return rows.map(toModel);
  }

  async files(version: number): Promise<StoredModelFiles | null> {
    const [row] = await this.#session.query<StoredModelFiles>(
      `SELECT onnx, scaler AS "scalerJson", features AS "featuresJson" FROM models WHERE version = $1 AND instance = $2`,
      [version, this.#instance],
    );
    return row === undefined ? null : { ...row, onnx: new Uint8Array(row.onnx) };
  }

  async #one(condition: string, parameters: readonly (string | number)[]): Promise<Model | null> {
    const query = `${SELECT} WHERE instance = $1 AND ${condition}`;
    const [row] = await this.#session.query<StoredModel>(query, [this.#instance, ...parameters]);
    return row === undefined ? null : toModel(row);
  }

  async #prune(limits: StoreLimits): Promise<void> {
    const models = await this.#session.query<KeptModel>(
      `SELECT pool, version::float8 AS version, status, promotion::float8 AS promotion, (${BYTES})::float8 AS bytes
       FROM models WHERE instance = $1 ORDER BY version DESC`,
      [this.#instance],
    );
    const surplus = surplusModels(models, limits);
    if (surplus.length === 0) return;
    await this.#session.query("DELETE FROM models WHERE version = ANY($1::bigint[])", [surplus]);
  }
}

function toModel({ report, createdAt, statusAt, promotedAt, ...rest }: StoredModel): Model {
  return {
    ...rest,
    createdAtMs: createdAt.getTime(),
    statusAtMs: statusAt.getTime(),
    promotedAtMs: promotedAt?.getTime() ?? null,
    report: JSON.parse(report) as unknown,
  };
}
