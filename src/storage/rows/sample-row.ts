/**
 * Samples as rows. Features are kept as little-endian float32, the order of bytes of every machine that Bun runs on: about
 * 130 bytes a row with twenty of them.
 */
import type { Sample } from "../learning-store.ts";
import type { RowKind } from "./row-kind.ts";

/** A sample whose features are bytes. */
export interface SampleRow extends Omit<Sample, "features"> {
  readonly features: Uint8Array;
}

/** Bytes of a row beside its server and features. */
const FIXED_BYTES = 100;

/** How samples wait: 10 s of 1,000 a second, about 3 MB: a checkpoint or a short lock must not cost any. */
export const SAMPLE_ROWS: RowKind<Sample, SampleRow> = Object.freeze({
  waitingRows: 10_000,
  waitingBytes: 8 * 1024 * 1024,
  flushMs: 1_000,
  encode: toRow,
  bytesOf: ({ pool, serverId, features }: SampleRow) =>
    FIXED_BYTES + 2 * (pool.length + serverId.length) + features.byteLength,
});

function toRow(sample: Sample, featureCount: number): SampleRow | null {
  const { pool, atMs, serverId, arm, modelVersion, propensity, features, latencyMs, meanMs, failed } = sample;
  const whole = [atMs, arm, modelVersion].every((value) => Number.isSafeInteger(value) && value >= 0);
  const times = [latencyMs, meanMs].every((value) => Number.isFinite(value) && value >= 0);
  if (!whole || !times || !(propensity > 0 && propensity <= 1) || features.length !== featureCount) return null;
  const bytes = new Uint8Array(features.buffer, features.byteOffset, features.byteLength).slice();
  return { pool, atMs, serverId, arm, modelVersion, propensity, features: bytes, latencyMs, meanMs, failed };
}

/** The sample of a row: its features are a view where the bytes lie as float32 must, a copy where they do not. */
export function toSample({ features, ...rest }: SampleRow): Sample {
  const aligned = features.byteOffset % 4 === 0 ? features : features.slice();
  return { ...rest, features: new Float32Array(aligned.buffer, aligned.byteOffset, features.byteLength >> 2) };
}
