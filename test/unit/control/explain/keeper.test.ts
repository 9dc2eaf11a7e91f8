/** Who is given memory for explanations, and when no more is given. */
import { describe, expect, test } from "bun:test";
import { ExplainKeeper } from "../../../../src/control/explain/keeper.ts";
import { chunkCount } from "../../../../src/shared/memory/explain/chunk-reader.ts";
import { ChunkWriter } from "../../../../src/shared/memory/explain/chunk-writer.ts";
import { Carver } from "../../../../src/shared/memory/layout/carver.ts";
import {
  carveExplain,
  EXPLAIN_CHUNK_WORDS,
  ExplainRing,
  ExplainWord,
} from "../../../../src/shared/memory/layout/explain.ts";
import { NoSharedMemoryError } from "../../../../src/shared/memory/pages.ts";

const MEGABYTE = 1024 * 1024;
const { USUAL, KEPT } = ExplainRing;

function keeper(options: { free?: number; fails?: boolean } = {}) {
  const measure = new Carver();
  carveExplain(measure, 4);
  const memory = carveExplain(new Carver(new ArrayBuffer(measure.size)), 4);
  const real: number[] = [];
  const warned: string[] = [];
  const state = { free: options.free ?? 1024 * MEGABYTE, fails: options.fails ?? false };
  const pages = {
    reserveExplainChunk: (chunk: number) => {
      if (state.fails) throw new NoSharedMemoryError("no room");
      real.push(chunk);
    },
    freeBytes: () => state.free,
  };
  const log = { info: () => {}, warn: (_: object, message: string) => void warned.push(message), error: () => {} };
  return { memory, real, warned, state, keeper: new ExplainKeeper({ memory, pages, log: log as never }) };
}

/** Fills a whole chunk with a record that began at `atMs`. */
function fill(memory: ReturnType<typeof keeper>["memory"], writer: ChunkWriter, atMs: number): void {
  const at = writer.next(EXPLAIN_CHUNK_WORDS);
  memory.words[at + ExplainWord.LENGTH] = EXPLAIN_CHUNK_WORDS;
  memory.doubles[(at + ExplainWord.BEGAN) >> 1] = atMs;
  writer.commit(EXPLAIN_CHUNK_WORDS);
}

describe("memory for explanations", () => {
  test("each ring of each worker begins with one chunk, whose pages are real", () => {
    const { memory, real, keeper: kept } = keeper();
    kept.look(2, 8 * MEGABYTE, 0);
    expect(real).toEqual([0, 1, 2, 3]);
    kept.look(2, 8 * MEGABYTE, 1000);
    expect(real.length).toBe(4);
    expect(chunkCount(memory, 1, KEPT)).toBe(1);
    expect(kept.bytes).toBe(4 * 65_536);
  });

  test("grows as it fills, up to what all may have", () => {
    const { memory, keeper: kept } = keeper();
    kept.look(1, 4 * MEGABYTE, 0);
    const usual = new ChunkWriter(memory, 0, USUAL);
    const failed = new ChunkWriter(memory, 0, KEPT);
    for (let second = 1; second < 500; second++) {
      fill(memory, usual, second * 1000);
      fill(memory, failed, second * 1000);
      kept.look(1, 4 * MEGABYTE, second * 1000);
      expect(kept.bytes).toBeLessThanOrEqual(4 * MEGABYTE);
    }
    expect(chunkCount(memory, 0, USUAL)).toBe(42); // two thirds of 64
    expect(chunkCount(memory, 0, KEPT)).toBe(21);
  });

  test("takes no more where what is there lasts long enough", () => {
    const { memory, keeper: kept } = keeper();
    kept.look(1, 64 * MEGABYTE, 0);
    const usual = new ChunkWriter(memory, 0, USUAL);
    for (let minute = 1; minute < 600; minute++) {
      fill(memory, usual, minute * 60_000);
      kept.look(1, 64 * MEGABYTE, minute * 60_000);
    }
    expect(chunkCount(memory, 0, USUAL)).toBeLessThan(24);
  });

  test("leaves the file system room, says once that it does, and goes on later", () => {
    const { memory, warned, state, keeper: kept } = keeper({ free: MEGABYTE });
    kept.look(1, 8 * MEGABYTE, 0);
    expect(chunkCount(memory, 0, USUAL)).toBe(1);
    const usual = new ChunkWriter(memory, 0, USUAL);
    for (let second = 1; second < 5; second++) {
      fill(memory, usual, second * 1000);
      kept.look(1, 8 * MEGABYTE, second * 1000);
    }
    expect([warned.length, kept.isShort, chunkCount(memory, 0, USUAL)]).toEqual([1, true, 1]);
    state.free = 1024 * MEGABYTE;
    fill(memory, usual, 6000);
    kept.look(1, 8 * MEGABYTE, 6000);
    expect(kept.isShort).toBe(false);
    expect(chunkCount(memory, 0, USUAL)).toBeGreaterThan(1);
  });
});
