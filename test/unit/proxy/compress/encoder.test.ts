import { afterEach, describe, expect, test } from "bun:test";
import {
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createZstdDecompress,
  gunzipSync,
  zstdDecompressSync,
} from "node:zlib";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { CompressedBody } from "../../../../src/proxy/compress/compressed-body.ts";
import { Encoder, MAX_ENCODERS } from "../../../../src/proxy/compress/encoder.ts";
import { ChunkedParser } from "../../../../src/proxy/http1/chunked.ts";
import { until } from "../../../support/until.ts";

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

describe.each(KINDS)("%s", (encoding, decode, createDecoder) => {
  test("whatever pieces a body comes in, what is sent decodes to it", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed).next;
      const body = content(Math.floor(random() * 200_000), random);
      const chunked = random() < 0.5;
      const compressed = new CompressedBody(open(encoding), chunked);
      const sent: Buffer[] = [];
      let at = 0;
      for (;;) {
        const end = Math.min(body.length, at + Math.floor(random() ** 4 * 100_000));
        if (end === body.length) break;
        sent.push(compressed.more(body, at, end));
        at = end;
      }
      expect(compressed.showsCut).toBe(chunked);
      sent.push(compressed.last(body, at, body.length, null));
      expect(compressed.showsCut).toBe(false);
      const received = chunked ? dechunked(Buffer.concat(sent)) : Buffer.concat(sent);
      expect(received.length).toBe(compressed.bytes);
      expect(Bun.hash(decode(received))).toBe(Bun.hash(body));
    }
  });

  test("all at once comes to the same", () => {
    const body = content(300_000, seededRandom(1).next);
    const compressed = new CompressedBody(open(encoding), false);
    const whole = compressed.whole(body, 10, body.length);
    expect(compressed.bytes).toBe(whole.length);
    expect(decode(whole).equals(body.subarray(10))).toBe(true);
  });

  test("each piece can be decoded as soon as it was sent", async () => {
    const compressed = new CompressedBody(open(encoding), false);
    const decoder = createDecoder();
    let decoded = "";
    decoder.on("data", (data: Buffer) => {
      decoded += data.toString();
    });
    for (const piece of ["data: 1\n\n", "data: 2\n\n", "x".repeat(5000)]) {
      const before = decoded;
      const bytes = Buffer.from(piece);
      decoder.write(compressed.more(bytes, 0, bytes.length));
      await until(() => decoded === before + piece);
    }
    decoder.destroy();
    compressed.close();
  });

  test("content that cannot be compressed hardly grows", () => {
    const random = seededRandom(2).next;
    const body = Buffer.from(Uint8Array.from({ length: 400_000 }, () => Math.floor(random() * 256)));
    const compressed = new CompressedBody(open(encoding), false);
    const sent = Buffer.concat([compressed.more(body, 0, body.length), compressed.last(body, 0, 0, null)]);
    expect(sent.length).toBeLessThan(body.length + 1000);
    expect(decode(sent).equals(body)).toBe(true);
  });

  test("a cut leaves what does not decode to an end", () => {
    const body = content(50_000, seededRandom(3).next);
    const compressed = new CompressedBody(open(encoding), true);
    const sent = compressed.more(body, 0, body.length);
    expect(compressed.showsCut).toBe(true);
    compressed.close();
    // The decoder for zstd gives what there is, whether or not it is all: there the framing alone shows it.
    if (encoding !== "zstd") expect(() => decode(dechunked(Buffer.concat([sent, Buffer.from("0\r\n\r\n")])))).toThrow();
  });

  test("trailers are behind the last chunk, and nothing is where there are no chunks", () => {
    const trailers = Buffer.from("Checksum: 1\r\n");
    const framed = new CompressedBody(open(encoding), true).last(Buffer.from("x"), 0, 1, trailers);
    expect(framed.toString("latin1")).toEndWith("\r\n0\r\nChecksum: 1\r\n\r\n");
    const plain = new CompressedBody(open(encoding), false).last(Buffer.from("x"), 0, 1, trailers);
    expect(decode(plain).toString()).toBe("x");
  });

  test("an empty part makes no chunk: it would be the last one", () => {
    const compressed = new CompressedBody(open(encoding), true);
    expect(compressed.more(Buffer.from("x"), 1, 1).length).toBe(0);
    expect(decode(dechunked(compressed.last(Buffer.from("x"), 0, 0, null))).length).toBe(0);
  });
});

test("there are only so many, and closed ones make room", () => {
  const all = Array.from({ length: MAX_ENCODERS }, () => open("zstd"));
  expect(Encoder.open("gzip")).toBeNull();
  all[7].close();
  all[7].close();
  const last = open("br");
  expect(Encoder.open("gzip")).toBeNull();
  for (const encoder of [...all, last]) encoder.close();
});

/** The content of a complete chunked body. */
function dechunked(body: Buffer): Buffer {
  const parser = new ChunkedParser(false);
  parser.reset();
  const bytes = Buffer.from(body);
  expect(parser.decode(bytes, 0, bytes.length)).toBe(bytes.length);
  expect(parser.done).toBe(true);
  return bytes.subarray(0, parser.decodedEnd);
}
