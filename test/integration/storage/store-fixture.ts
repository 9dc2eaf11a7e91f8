/** What the tests of the store have in common. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  LearningReader,
  LearningStore,
  NewModel,
  Sample,
  SampleQuery,
  StoreEvents,
  StoreLimits,
  Verdict,
} from "../../../src/storage/learning-store.ts";
import { type OpenStoreOptions, openLearningStore } from "../../../src/storage/open-store.ts";
import type { SqliteLocation } from "../../../src/storage/sqlite/sqlite.ts";

export const POOL = "default";
export const FEATURES = ["first", "second", "third"];

/** The embedded store of a directory. */
export const at = (directory: string): SqliteLocation => ({ kind: "sqlite", directory });

/** A directory that does not exist yet, in one that `remove` takes away. */
export function scratch(): { readonly path: string; remove(): void } {
  const base = mkdtempSync(join(tmpdir(), "neurabalancer-store-"));
  return { path: join(base, "data"), remove: () => rmSync(base, { recursive: true, force: true }) };
}

/** Sample number `n`: all of its values tell which it is. */
export function sample(n: number, changed: Partial<Sample> = {}): Sample {
  return {
    pool: POOL,
    atMs: 1_000_000 + n,
    serverId: `http://server-${n % 3}:80 10.0.0.${n % 3}`,
    arm: n % 2,
    modelVersion: n % 5,
    propensity: 1 / (1 + (n % 7)),
    features: Float32Array.of(n, -n / 2, Number.NaN),
    latencyMs: n + 0.25,
    meanMs: n + 0.5,
    failed: n % 4 === 0,
    ...changed,
  };
}

/** Samples `from` … `to - 1`. */
export function samples(from: number, to: number, changed: Partial<Sample> = {}): Sample[] {
  return Array.from({ length: to - from }, (_, i) => sample(from + i, changed));
}

export function model(changed: Partial<NewModel> = {}): NewModel {
  return {
    pool: POOL,
    createdAtMs: 5_000,
    origin: "trained",
    parentVersion: null,
    status: "candidate",
    files: { onnx: Uint8Array.of(8, 0, 255), scalerJson: '{"mean":[0],"scale":[1]}', featuresJson: '["first"]' },
    report: { loss: [0.5, 0.25] },
    ...changed,
  };
}

export function verdict(n: number, changed: Partial<Verdict> = {}): Verdict {
  return {
    pool: POOL,
    atMs: n,
    modelVersion: 1 + (n % 2),
    kind: "shadow_passed",
    reason: `Number ${n}.`,
    numbers: { n },
    ...changed,
  };
}

/** What a store said, in order. */
export class Said implements Required<StoreEvents> {
  readonly lines: string[] = [];
  readonly degraded: Required<StoreEvents>["degraded"] = ({ kind }) => void this.lines.push(`degraded ${kind}`);
  readonly recovered: Required<StoreEvents>["recovered"] = ({ kind }) => void this.lines.push(`recovered ${kind}`);
  readonly opened: Required<StoreEvents>["opened"] = () => {};
  readonly movedAside: Required<StoreEvents>["movedAside"] = (path) => void this.lines.push(`moved ${path}`);
}

/** A store that must open without a problem. */
export async function openStore(
  dataDir: string,
  options: Partial<OpenStoreOptions> & { readonly limits?: Partial<StoreLimits> } = {},
): Promise<LearningStore> {
  const { store, problem } = await openLearningStore(at(dataDir), {
    nowMs: () => 1_700_000_000_000,
    features: FEATURES,
    lockWaitMs: 0,
    ...options,
  });
  if (problem !== null) throw new Error(problem);
  return store;
}

/** A sample whose features can be compared: in typed arrays NaN is not equal to itself. */
export type PlainSample = Omit<Sample, "features"> & { readonly features: readonly number[] };

export function plain(rows: readonly Sample[]): PlainSample[] {
  return rows.map((row) => ({ ...row, features: [...row.features] }));
}

/** All samples of a query, with how many were skipped. */
export async function read(
  reader: LearningReader,
  query: Partial<SampleQuery> = {},
): Promise<{ skipped: number; pages: number[]; rows: PlainSample[] }> {
  const scan = await reader.readSamples({ pool: POOL, limit: 1_000_000, ...query });
  const pages: number[] = [];
  const rows: PlainSample[] = [];
  for await (const page of scan.pages) {
    pages.push(page.length);
    rows.push(...plain(page));
  }
  return { skipped: scan.skippedRows, pages, rows };
}
