/**
 * A second backend, for tests: it keeps everything in arrays, and is as asynchronous as a database server is. What it does
 * between two of its waits is done on a copy, so that a transaction is there as a whole or not at all.
 */
import type {
  LearningBackend,
  LearningChange,
  LearningOptions,
  LearningVisitOptions,
  LearningVisitor,
  SamplePage,
  StoreWrite,
} from "../../src/storage/backend.ts";
import type {
  Model,
  ModelQuery,
  NewModel,
  SampleQuery,
  StoredModelFiles,
  StoreLimits,
  Verdict,
  VerdictQuery,
} from "../../src/storage/learning-store.ts";
import { modelReport, surplusModels } from "../../src/storage/model-rules.ts";
import { surplusByPool } from "../../src/storage/pool-parts.ts";
import type { LearningRows } from "../../src/storage/rows/row-kinds.ts";
import { type SampleRow, toSample } from "../../src/storage/rows/sample-row.ts";
import { toVerdict, type VerdictRow } from "../../src/storage/rows/verdict-row.ts";
import { StoreError } from "../../src/storage/store-error.ts";

const DELETED_ROWS = 2_000;
const SAMPLE_BYTES = 100;

interface KeptSample {
  readonly id: number;
  readonly list: string;
  readonly row: SampleRow;
}

interface KeptModel {
  readonly model: Model;
  readonly files: StoredModelFiles;
  readonly bytes: number;
  readonly promotion: number | null;
}

/** All of it; replaced as a whole, never changed. */
interface Data {
  readonly samples: readonly KeptSample[];
  readonly lastSample: number;
  readonly verdicts: readonly VerdictRow[];
  readonly models: readonly KeptModel[];
  readonly lastVersion: number;
  readonly promotions: number;
  readonly notes: ReadonlyMap<string, string>;
  /** Their answers can get lost. */
  readonly batches: ReadonlySet<string>;
}

const EMPTY: Data = {
  samples: [],
  lastSample: 0,
  verdicts: [],
  models: [],
  lastVersion: 0,
  promotions: 0,
  notes: new Map(),
  batches: new Set(),
};

/** What a server would keep, whoever is connected to it. */
export class MemoryPlace {
  data = EMPTY;
  owned = false;

  own(options: LearningOptions): LearningBackend {
    return new MemoryOwner(this, options);
  }

  visit(access: "read" | "write", options: LearningVisitOptions): LearningVisitor {
    return new MemoryVisitor(this, access, options);
  }
}

class MemoryReads {
  protected readonly place: MemoryPlace;
  protected readonly limits: StoreLimits;
  protected readonly list: string;

  constructor(place: MemoryPlace, { features, limits }: LearningVisitOptions) {
    this.place = place;
    this.limits = limits;
    this.list = JSON.stringify(features);
  }

  async samplePage(query: SampleQuery, from: number | null, rows: number): Promise<SamplePage> {
    const { pool, sinceMs = 0, limit, newestFirst = false } = query;
    const { samples } = await this.read();
    const fit = samples.filter(({ list, row }) => row.pool === pool && list === this.list && row.atMs >= sinceMs);
    const start = from ?? fit.at(newestFirst ? -1 : -Math.min(limit, fit.length))?.id ?? 0;
    const order = newestFirst ? fit.filter(({ id }) => id <= start).reverse() : fit.filter(({ id }) => id >= start);
    const page = order.slice(0, rows);
    const last = page.at(-1)?.id ?? start;
    return { samples: page.map(({ row }) => toSample(row)), next: newestFirst ? last - 1 : last + 1 };
  }

  async countSamples(pool: string): Promise<number> {
    return (await this.read()).samples.filter(({ list, row }) => row.pool === pool && list === this.list).length;
  }

  async countOtherSamples(pool: string, sinceMs: number): Promise<number> {
    const { samples } = await this.read();
    return samples.filter(({ list, row }) => row.pool === pool && list !== this.list && row.atMs >= sinceMs).length;
  }

  async champion(pool: string): Promise<Model | null> {
    const { models } = await this.read();
    return models.find(({ model }) => model.pool === pool && model.status === "champion")?.model ?? null;
  }

  async previousChampion(pool: string): Promise<Model | null> {
    const { models } = await this.read();
    const former = models.filter(({ model }) => model.pool === pool && model.status === "retired");
    const promoted = former.filter(({ promotion }) => promotion !== null);
    return promoted.sort((a, b) => b.promotion! - a.promotion!)[0]?.model ?? null;
  }

  async model(version: number): Promise<Model | null> {
    return (await this.read()).models.find(({ model }) => model.version === version)?.model ?? null;
  }

  async models({ limit, pool }: ModelQuery): Promise<Model[]> {
    const { models } = await this.read();
    return models
      .map(({ model }) => model)
      .filter((model) => pool === undefined || model.pool === pool)
      .toReversed()
      .slice(0, limit);
  }

  async modelFiles(version: number): Promise<StoredModelFiles | null> {
    return (await this.read()).models.find(({ model }) => model.version === version)?.files ?? null;
  }

  async verdicts({ limit, pool, modelVersion }: VerdictQuery): Promise<Verdict[]> {
    const { verdicts } = await this.read();
    const fit = verdicts.filter(
      (row) =>
        (pool === undefined || row.pool === pool) && (modelVersion === undefined || row.modelVersion === modelVersion),
    );
    return fit.toReversed().slice(0, limit).map(toVerdict);
  }

  async note(pool: string, name: string): Promise<unknown> {
    return JSON.parse((await this.read()).notes.get(`${pool}/${name}`) ?? "null");
  }

  protected async read(): Promise<Data> {
    await wayThere();
    return this.place.data;
  }
}

class MemoryVisitor extends MemoryReads implements LearningVisitor {
  readonly #access: "read" | "write";

  constructor(place: MemoryPlace, access: "read" | "write", options: LearningVisitOptions) {
    super(place, options);
    this.#access = access;
  }

  async insertModel(model: NewModel): Promise<number> {
    if (this.#access === "read") throw new StoreError("read_only", "memory: it cannot be written");
    const data = withModel(await this.read(), model, this.limits);
    this.place.data = data;
    return data.lastVersion;
  }

  async close(): Promise<void> {}
}

class MemoryOwner extends MemoryReads implements LearningBackend {
  readonly durable = true;
  readonly bytes = 0;

  async open(): Promise<void> {
    await wayThere();
    if (this.place.owned) throw new StoreError("in_use", "memory: is in use by another instance");
    this.place.owned = true;
  }

  async write({ batchId, rows: given, change }: StoreWrite<LearningRows, LearningChange>): Promise<number | null> {
    let data = await this.read();
    const rows: LearningRows = data.batches.has(batchId) ? { samples: [], verdicts: [] } : given;
    data = { ...data, batches: new Set([...data.batches, batchId]) };
    data = this.#withSamples(data, rows.samples);
    if (rows.verdicts.some(({ kind }) => typeof kind !== "string")) throw new TypeError("a verdict without a kind");
    const verdicts = [...data.verdicts, ...rows.verdicts];
    data = { ...data, verdicts: withoutSurplus(verdicts, this.limits.maxVerdicts, ({ pool }) => pool) };
    const before = data.lastVersion;
    data = change === null ? data : withChange(data, change, this.limits);
    await wayThere();
    this.place.data = this.#bounded(data);
    return data.lastVersion === before ? null : data.lastVersion;
  }

  async mend(): Promise<void> {
    await wayThere();
  }

  async close(): Promise<void> {
    await wayThere();
    this.place.owned = false;
  }

  #withSamples(data: Data, rows: readonly SampleRow[]): Data {
    const added = rows.map((row, i) => ({ id: data.lastSample + 1 + i, list: this.list, row }));
    return { ...data, samples: [...data.samples, ...added], lastSample: data.lastSample + added.length };
  }

  #bounded(data: Data): Data {
    const { maxSamples, maxBytes } = this.limits;
    const poolOf = ({ row }: KeptSample) => row.pool;
    const most = Math.max(1, maxSamples, data.samples.length - DELETED_ROWS);
    let samples = withoutSurplus(data.samples, most, poolOf);
    if (samples.length * SAMPLE_BYTES > maxBytes) {
      samples = withoutSurplus(samples, Math.max(1, samples.length - DELETED_ROWS), poolOf);
    }
    return { ...data, samples };
  }
}

function withChange(data: Data, change: LearningChange, limits: StoreLimits): Data {
  if (change.kind === "insert_model") return withModel(data, change.model, limits);
  if (change.kind === "set_note") {
    return {
      ...data,
      notes: new Map(data.notes).set(`${change.pool}/${change.name}`, JSON.stringify(change.value ?? null)),
    };
  }
  return withStatus(data, change);
}

function withModel(data: Data, added: NewModel, limits: StoreLimits): Data {
  const report = modelReport(added);
  const { files, ...rest } = added;
  const version = data.lastVersion + 1;
  const status = added.status === "champion" ? "candidate" : added.status;
  const model: Model = {
    ...rest,
    report: JSON.parse(report),
    version,
    status,
    statusAtMs: added.createdAtMs,
    promotedAtMs: null,
  };
  const bytes = files.onnx.length + files.scalerJson.length + files.featuresJson.length + report.length;
  const kept = { model, files: { ...files, onnx: files.onnx.slice() }, bytes, promotion: null };
  let next: Data = { ...data, models: [...data.models, kept], lastVersion: version };
  if (status !== added.status) next = withStatus(next, { version, status: added.status, atMs: added.createdAtMs });
  const rows = next.models.map(({ model: { pool, version: of, status: is }, bytes: size, promotion }) => {
    return { pool, version: of, status: is, bytes: size, promotion };
  });
  const surplus = surplusModels(rows.reverse(), limits);
  return { ...next, models: next.models.filter(({ model: { version: of } }) => !surplus.includes(of)) };
}

function withStatus(
  data: Data,
  { version, status, atMs, options = {} }: Omit<Extract<LearningChange, { kind: "set_status" }>, "kind">,
): Data {
  const before = data.models.find(({ model }) => model.version === version);
  if (before === undefined) throw new RangeError(`there is no model ${version}`);
  if (before.model.status === status) return data;
  const promotions = data.promotions + (status === "champion" ? 1 : 0);
  const models = data.models.map((kept): KeptModel => {
    const { model } = kept;
    if (model.version === version && status !== "champion") {
      return { ...kept, model: { ...model, status, statusAtMs: atMs } };
    }
    if (model.version === version) {
      return { ...kept, promotion: promotions, model: { ...model, status, statusAtMs: atMs, promotedAtMs: atMs } };
    }
    if (status !== "champion" || model.status !== "champion" || model.pool !== before.model.pool) return kept;
    return { ...kept, model: { ...model, status: options.outgoing ?? "retired", statusAtMs: atMs } };
  });
  return { ...data, models, promotions };
}

/** The oldest go, of the pools that have the most. */
function withoutSurplus<Row>(rows: readonly Row[], most: number, poolOf: (row: Row) => string): readonly Row[] {
  const counts = [...Map.groupBy(rows, poolOf)].map(([pool, { length: count }]) => ({ pool, count }));
  const left = new Map(surplusByPool(counts, most).map(({ pool, count }) => [pool, count]));
  return rows.filter((row) => {
    const pool = poolOf(row);
    const count = left.get(pool) ?? 0;
    left.set(pool, count - 1);
    return count <= 0;
  });
}

/** Others may come between. */
async function wayThere(): Promise<void> {
  for (let i = 0; i < 3; i++) await null;
}
