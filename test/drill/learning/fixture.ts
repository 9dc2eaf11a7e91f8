/** What the drills of learning share: the product with `ml`, its store before and after, and models of every kind. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FEATURE_NAMES } from "../../../src/learning/features/feature-names.ts";
import { encodeModelFiles } from "../../../src/learning/models/files/model-files.ts";
import type { Network } from "../../../src/learning/models/network.ts";
import type {
  LearningReader,
  Model,
  ModelStatus,
  Sample,
  StoredModelFiles,
} from "../../../src/storage/learning-store.ts";
import { openLearningStore, openStoreReader, openTrainingStore } from "../../../src/storage/open-store.ts";
import { at } from "../../integration/storage/store-fixture.ts";
import { seeded } from "../../support/networks.ts";
import { spawnSync } from "../../support/processes.ts";
import type { ProductOptions } from "../../support/product-process.ts";
import { until as patiently } from "../../support/until.ts";
import { type Behaviour, Product, type Scripted, serversOn, startScripted, taking } from "../fixture.ts";

/** Polls until `condition` holds, for as long as a verdict may take: it needs thousands of requests. */
export const until = <T>(condition: () => T | Promise<T>) => patiently(condition, 200_000);

/** The `ml` of `GET /api/v1/ml`, as far as drills look. */
export interface LearningView {
  readonly rung: string;
  readonly rung_reason: string;
  readonly model_version: number | null;
  readonly canary_version: number | null;
  readonly model_errors: number;
  readonly table_age_ms: number | null;
  readonly samples: number;
  readonly learner: { readonly pid: number; readonly state: string };
  readonly shares: Readonly<Record<string, number>>;
  readonly models: {
    readonly learning: boolean;
    readonly source: string;
    readonly champion: number | null;
    readonly candidate: { readonly version: number; readonly stage: string } | null;
    readonly previous: number | null;
    readonly watching: boolean;
    readonly paused: boolean;
    readonly problem: string | null;
    readonly trainer_pid: number | null;
    readonly store: { readonly durable: boolean; readonly problem: string | null; readonly rows_written: number };
  } | null;
}

export interface VerdictView {
  readonly kind: string;
  readonly model_version: number | null;
  readonly reason: string;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Judges at a twentieth of their time, trainings as often as can be. */
export const FAST: Readonly<Record<string, string>> = {
  LB_STRATEGY: "ml",
  ACCESS_LOG: "off",
  OUTLIER_EJECTION: "off",
  ML_JUDGE_SPEED: "20",
  ML_TRAIN_INTERVAL_SECONDS: "2",
  ML_CANARY_PERCENT: "40",
};

export interface Fleet {
  readonly product: Product;
  readonly servers: readonly Scripted[];
  end(): Promise<void>;
}

/** Servers and the product before them; `before` gets the data directory first. */
export async function startLearning(
  behaviours: readonly Behaviour[],
  settings: Readonly<Record<string, string>> = {},
  { before, ...options }: ProductOptions & { before?: (dataDir: string) => Promise<unknown> } = {},
): Promise<Fleet> {
  const servers = await startScripted(...behaviours);
  const dataDir = settings.DATA_DIR ?? join(tmpdir(), `nb-drill-data-${process.pid}-${servers[0].port}`);
  await before?.(dataDir);
  const all = { ...FAST, SERVERS: serversOn(...servers), DATA_DIR: dataDir, ...settings };
  const product = new Product(all, options);
  const end = async () => {
    await product.end();
    await Promise.all(servers.map((server) => server.stop()));
    if (settings.DATA_DIR === undefined) spawnSync(["rm", "-rf", dataDir]);
  };
  try {
    return { product: await product.ready(), servers, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Answers well, after a time of that mean: lognormal, as services are. */
export function serving(meanMs: number, seed = 1): Behaviour {
  const random = seeded(seed);
  const sigma = 0.3;
  return (socket, path, count) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    taking(meanMs * Math.exp(sigma * normal - (sigma * sigma) / 2))(socket, path, count);
  };
}

/** The product's data directory. */
export function dataDirOf({ servers }: Pick<Fleet, "servers">): string {
  return join(tmpdir(), `nb-drill-data-${process.pid}-${servers[0].port}`);
}

export async function learning(product: Product): Promise<LearningView> {
  return (await (await product.admin("/api/v1/ml")).json()) as LearningView;
}

export async function verdicts(product: Product): Promise<VerdictView[]> {
  const response = await product.admin("/api/v1/ml/verdicts?limit=500");
  return ((await response.json()) as { verdicts: VerdictView[] }).verdicts;
}

export async function order(
  product: Product,
  what: string,
  body: object = {},
): Promise<{ status: number; message: string }> {
  const init = { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const response = await product.admin(`/api/v1/ml/${what}`, init);
  const said = (await response.json()) as { message?: string; detail?: string };
  return { status: response.status, message: said.message ?? said.detail ?? "" };
}

export async function reading<T>(dataDir: string, read: (store: LearningReader) => Promise<T>): Promise<T> {
  const store = openStoreReader(at(dataDir));
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

export const modelsIn = (dataDir: string): Promise<Model[]> =>
  reading(dataDir, (store) => store.models({ limit: 100 }));

/** Leaves a model in a store that no instance has open. */
export async function leave(
  dataDir: string,
  network: Network | StoredModelFiles,
  status: ModelStatus,
): Promise<number> {
  const { store, problem } = await openLearningStore(at(dataDir), { nowMs: Date.now });
  if (problem !== null) throw new Error(problem);
  try {
    return await store.insertModel(newModel(network, status));
  } finally {
    await store.close();
  }
}

/** Leaves a candidate beside an instance that runs. */
export async function propose(dataDir: string, network: Network | StoredModelFiles): Promise<number> {
  const store = openTrainingStore(at(dataDir));
  try {
    return await store.insertModel(newModel(network, "candidate"));
  } finally {
    await store.close();
  }
}

/** Fills a store that no instance has open with samples in which the servers that look slow were fast. */
export async function poison(dataDir: string, count: number): Promise<void> {
  const { store } = await openLearningStore(at(dataDir), { nowMs: Date.now });
  const random = seeded(9);
  for (let from = 0; from < count; from += 1000) {
    const batch = Array.from({ length: 1000 }, (_, i): Sample => {
      const features = Float32Array.from(FEATURE_NAMES, () => random() - 0.5);
      const expected = 3 * random() - 1.5;
      features[FEATURE_NAMES.indexOf("log_expected")] = expected;
      const latencyMs = 20 * Math.exp(-expected + (random() - 0.5));
      const atMs = Date.now() - count + from + i;
      const rest = {
        pool: "default",
        serverId: "http://poison 127.0.0.1",
        arm: 0,
        modelVersion: 1,
        propensity: 0.99,
        failed: false,
      };
      return { atMs, features, latencyMs, meanMs: 20, ...rest };
    });
    store.appendSamples(batch);
    await store.flush();
  }
  await store.close();
}

function newModel(network: Network | StoredModelFiles, status: ModelStatus) {
  const files = "onnx" in network ? network : encodeModelFiles(network);
  return {
    pool: "default",
    createdAtMs: Date.now(),
    origin: "trained",
    parentVersion: null,
    status,
    files,
    report: null,
  } as const;
}

/**
 * A network over all features that says `sign` times what the estimator says: 1 = as well as the estimator, -1 = the slower a
 * server, the better it looks. Its hidden units are silent but can learn.
 */
export function estimatorTimes(sign: number, hidden = 8): Network {
  const n = FEATURE_NAMES.length;
  const random = seeded(1);
  const linear = new Float64Array(n);
  linear[FEATURE_NAMES.indexOf("log_expected")] = sign;
  return {
    features: [...FEATURE_NAMES],
    mean: new Float64Array(n),
    scale: new Float64Array(n).fill(1),
    w1: Float64Array.from({ length: hidden * n }, () => (random() - 0.5) * 0.2),
    b1: new Float64Array(hidden),
    w2: new Float64Array(hidden),
    b2: 0,
    linear,
  };
}

/** Where the six-feature model made by PyTorch is. */
export const PYTORCH_MODEL = join(import.meta.dir, "../../fixtures/pytorch-model");

/** A network that says the same of every server at every load: `log` of its cost. */
export function constantNetwork(log: number): Network {
  return { ...estimatorTimes(0), b2: log };
}
