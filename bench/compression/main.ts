/**
 * What compression costs: how fast each coding is, what it leaves of text, what memory a stream of it takes and what a small
 * body costs as a whole. The text is the project's own documents; a figure is that of one core.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Encoding } from "../../src/proxy/compress/accept-encoding.ts";
import { Encoder } from "../../src/proxy/compress/encoder.ts";

const ENCODINGS: readonly Encoding[] = ["gzip", "br", "zstd"];
const PACKETS = [4096, 65_536, 262_144];
const TEXT_BYTES = 512 * 1024;
const STREAMS = 100;
const SMALL_BYTES = 2000;
const SMALL_BODIES = 1000;
const ROUNDS = 5;

const docs = join(import.meta.dir, "../../docs");
const files = [...readdirSync(docs).filter((name) => name.endsWith(".md")), "../CHANGELOG.md", "../ARCHITECTURE.md"];
const text = Buffer.from(files.map((name) => readFileSync(join(docs, name), "utf8")).join("\n")).subarray(
  0,
  TEXT_BYTES,
);

function open(encoding: Encoding): Encoder {
  const encoder = Encoder.open(encoding);
  if (encoder === null) throw new Error("too many compressors are open");
  return encoder;
}

/** Compresses all of the text in packets. @returns the longest that one packet took, and all, milliseconds; and the bytes. */
function stream(encoding: Encoding, packet: number): { longestMs: number; totalMs: number; bytes: number } {
  const encoder = open(encoding);
  let longestMs = 0;
  let totalMs = 0;
  let bytes = 0;
  for (let at = 0; at < text.length; at += packet) {
    const end = Math.min(text.length, at + packet);
    const before = performance.now();
    bytes += encoder.encode(text, at, end, end === text.length).length;
    const took = performance.now() - before;
    longestMs = Math.max(longestMs, took);
    totalMs += took;
  }
  encoder.close();
  return { longestMs, totalMs, bytes };
}

/** Resident memory of one stream that has seen a packet, kilobytes. */
function memoryOf(encoding: Encoding): number {
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  const encoders = Array.from({ length: STREAMS }, () => open(encoding));
  for (const encoder of encoders) encoder.encode(text, 0, PACKETS[1], false);
  Bun.gc(true);
  const each = (process.memoryUsage.rss() - before) / STREAMS / 1024;
  for (const encoder of encoders) encoder.close();
  return each;
}

function smallBodyMicroseconds(encoding: Encoding): number {
  const before = performance.now();
  for (let i = 0; i < SMALL_BODIES; i++) {
    const encoder = open(encoding);
    encoder.encode(text, 0, SMALL_BYTES, true);
    encoder.close();
  }
  return ((performance.now() - before) * 1000) / SMALL_BODIES;
}

for (const encoding of ENCODINGS) {
  for (const packet of PACKETS) {
    const runs = Array.from({ length: ROUNDS }, () => stream(encoding, packet)).sort((a, b) => a.totalMs - b.totalMs);
    const { totalMs, longestMs, bytes } = runs[Math.floor(ROUNDS / 2)];
    const speed = text.length / 1000 / totalMs;
    const left = (100 * bytes) / text.length;
    console.log(
      `${encoding} in packets of ${packet} bytes: ${speed.toFixed(0)} MB/s, ${left.toFixed(1)} % left, ${longestMs.toFixed(2)} ms for the longest packet`,
    );
  }
  const [memory, small] = [memoryOf(encoding), smallBodyMicroseconds(encoding)];
  console.log(
    `${encoding}: ${memory.toFixed(0)} KB a stream, ${small.toFixed(0)} µs for a body of ${SMALL_BYTES} bytes`,
  );
}
