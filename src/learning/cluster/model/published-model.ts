/** A model as it lies in Redis. Whatever comes from there is checked: others may write there, by mistake or not. */
import { z } from "zod";
import type { StoredModelFiles } from "../../../storage/learning-store.ts";

/** A model with all that is told of it takes so much, as text: several times what the largest that we train does. */
export const MOST_FILE_BYTES = 1024 * 1024;
/** Verdicts that go with it. */
const MOST_VERDICTS = 20;
const FORMAT = 1;

const shortText = z.string().max(500);
const epochMs = z.number().min(0).max(8.64e15);

const verdict = z.object({ atMs: epochMs, kind: shortText, reason: shortText, numbers: z.unknown() });
const files = z.object({
  format: z.literal(FORMAT),
  onnx: z.base64(),
  scaler: z.string(),
  features: z.string(),
  report: z.unknown(),
  verdicts: z.array(verdict).max(MOST_VERDICTS),
});
const source = z.object({
  kind: z.enum(["promoted", "rolled_back"]),
  by: z.enum(["judge", "operator"]),
  instance: shortText,
  id: shortText,
  atMs: epochMs,
  reason: shortText,
  /** Checksum of the model that it takes the place of, where that turned out bad. */
  replaces: z.string().max(64).optional(),
});

/** Where a model came from, and why it is the champion. */
export type ModelSource = z.infer<typeof source>;
/** A decision about it, at the instance that trained it. */
export type PublishedVerdict = z.infer<typeof verdict>;

/** A model with what is known of it. */
export interface PublishedModel {
  readonly files: StoredModelFiles;
  /** What its training measured. */
  readonly report: unknown;
  /** The newest first. */
  readonly verdicts: readonly PublishedVerdict[];
}

/** The source as text. */
export function encodeSource({ reason, instance, ...rest }: ModelSource): string {
  return JSON.stringify({ ...rest, instance: instance.slice(0, 200), reason: reason.slice(0, 400) });
}

/** The source, or `null` when it is none of ours. */
export function decodeSource(text: string): ModelSource | null {
  return source.safeParse(parsed(text)).data ?? null;
}

/** The model as text. Throws a `RangeError` when it is too large to be shared. */
export function encodeModel({ files: { onnx, scalerJson, featuresJson }, report, verdicts }: PublishedModel): string {
  const encode = (extra: object): string =>
    JSON.stringify({
      format: FORMAT,
      onnx: Buffer.from(onnx).toString("base64"),
      scaler: scalerJson,
      features: featuresJson,
      report: null,
      verdicts: [],
      ...extra,
    });
  const shown = verdicts.slice(0, MOST_VERDICTS).map(({ atMs, kind, reason, numbers }) => ({
    atMs,
    kind: kind.slice(0, 100),
    reason: reason.slice(0, 400),
    numbers,
  }));
  const whole = encode({ report, verdicts: shown });
  // What it is worth does not hang on what is told of it.
  const text = Buffer.byteLength(whole) <= MOST_FILE_BYTES ? whole : encode({});
  const bytes = Buffer.byteLength(text);
  if (bytes <= MOST_FILE_BYTES) return text;
  throw new RangeError(`the model takes ${bytes} bytes, and at most ${MOST_FILE_BYTES} are shared`);
}

/**
 * The model that a text of that checksum is. Throws an `Error` made for the operator when it is none. Its files are not trusted: they
 * are what a stranger could have written.
 */
export function decodeModel(text: string, checksum: string): PublishedModel {
  const { data } = files.safeParse(parsed(text));
  if (data === undefined) throw new Error("what Redis has is no model, or one of another format");
  const { onnx, scaler, features, report, verdicts } = data;
  const stored = { onnx: new Uint8Array(Buffer.from(onnx, "base64")), scalerJson: scaler, featuresJson: features };
  if (checksumOf(stored) !== checksum) throw new Error("its checksum is not that of its files");
  return { files: stored, report: report ?? null, verdicts };
}

/** By it models are known as the same, in every store. */
export function checksumOf({ onnx, scalerJson, featuresJson }: StoredModelFiles): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const part of [onnx, Buffer.from(scalerJson), Buffer.from(featuresJson)])
    hash.update(`${part.length} `).update(part);
  return hash.digest("hex");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
