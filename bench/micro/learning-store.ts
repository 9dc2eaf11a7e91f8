/**
 * What the learning store costs the process that owns it: batches of 1,000 samples into a store that is empty and into one
 * that is full (where each batch deletes as many), opening, and reading for training. On a disk, not in memory.
 *
 *     bun bench/micro/learning-store.ts [directory]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FEATURE_NAMES } from "../../src/learning/features/feature-names.ts";
import type { LearningStore, Sample } from "../../src/storage/learning-store.ts";
import { openLearningStore, openStoreReader } from "../../src/storage/open-store.ts";
import { renderTable } from "../common/table.ts";

const POOL = "default";
const BATCH = 1_000;
const FULL_ROWS = 500_000;
const TRAINING_ROWS = 200_000;

const base = mkdtempSync(join(process.argv[2] ?? tmpdir(), "bench-store-"));
const dataDir = join(base, "data");
const location = { kind: "sqlite", directory: dataDir } as const;
const rows: string[][] = [];

function sampleOf(n: number): Sample {
  return {
    pool: POOL,
    atMs: 1_790_000_000_000 + n,
    serverId: `http://backend-${n % 10}:8001 10.0.0.${n % 10}`,
    arm: n & 1,
    modelVersion: 7,
    propensity: 0.95,
    features: Float32Array.from(FEATURE_NAMES, (_, i) => Math.sin(n + i)),
    latencyMs: 12.5,
    meanMs: 11.25,
    failed: false,
  };
}

function report(what: string, times: number[]): void {
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1);
  rows.push([what, String(times.length), at(0.5), at(0.99), at(1)]);
}

async function open(): Promise<LearningStore> {
  const { store, problem } = await openLearningStore(location, { nowMs: Date.now });
  if (problem !== null) throw new Error(problem);
  return store;
}

/** Milliseconds of each of `count` batches. */
async function write(store: LearningStore, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const batch = Array.from({ length: BATCH }, (_, n) => sampleOf(i * BATCH + n));
    const begun = performance.now();
    store.appendSamples(batch);
    if (!(await store.flush())) throw new Error(store.status().problem?.message);
    times.push(performance.now() - begun);
  }
  return times;
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work();
  report(what, [performance.now() - begun]);
  return result;
}

try {
  let store = await open();
  report("batch of 1,000, store filling up", await write(store, FULL_ROWS / BATCH));
  report("batch of 1,000, store full", await write(store, 200));
  await timed("close", () => store.close());
  store = await timed("open a full store, every page checked", open);
  const reader = openStoreReader(location);
  await timed("read 200,000 samples", async () => {
    let read = 0;
    for await (const page of (await reader.readSamples({ pool: POOL, limit: TRAINING_ROWS })).pages)
      read += page.length;
    if (read !== TRAINING_ROWS) throw new Error(`${read} samples were read`);
  });
  await reader.close();
  await store.close();
  const bytes = Bun.file(join(dataDir, "learning.db")).size;
  const columns = ["ms", "times", "median", "p99", "max"];
  console.log(renderTable({ title: "The learning store", columns, rows }, false));
  console.log(
    `The file has ${(bytes / 1024 / 1024).toFixed(0)} MB, ${(bytes / FULL_ROWS).toFixed(0)} bytes per sample.`,
  );
} finally {
  rmSync(base, { recursive: true, force: true });
}
