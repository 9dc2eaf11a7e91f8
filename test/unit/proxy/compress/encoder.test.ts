import { afterEach, describe, expect, test } from "bun:test";
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from "node:zlib";
import { CompressedBody } from "../../../../src/proxy/compress/compressed-body.ts";
import { Encoder, MAX_ENCODERS } from "../../../../src/proxy/compress/encoder.ts";
import { ChunkedParser } from "../../../../src/proxy/http1/chunked.ts";
import { Random } from "../../../../src/simulator/random.ts";

const KINDS = [
  ["gzip", gunzipSync, createGunzip],
  ["br", brotliDecompressSync, createBrotliDecompress],
  ["zstd", zstdDecompressSync, createZstdDecompress],
] as const;

afterEach(() => expect(Encoder.count).toBe(0));

function open(encoding: (typeof KINDS)[number][0]): Encoder {
  const encoder = Encoder.open(encoding);
  if (encoder === null) throw new Error("there are too many");
  return encoder;
}

/** Text, and bytes that nothing can be made of. */
function content(bytes: number, random: () => number): Buffer {
  const data = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) data[i] = random() < 0.5 ? 97 + (i % 7) : Math.floor(random() * 256);
  return data;
}
