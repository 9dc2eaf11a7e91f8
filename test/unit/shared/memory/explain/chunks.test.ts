/** Rings of chunks: filled, filled anew, read while they are written, and gone on with by a successor. */
import { describe, expect, test } from "bun:test";
import { ChunkReader, chunkCount, chunksOf } from "../../../../../src/shared/memory/explain/chunk-reader.ts";
import { ChunkWriter, NO_ROOM } from "../../../../../src/shared/memory/explain/chunk-writer.ts";
import { addChunk } from "../../../../../src/shared/memory/explain/chunks.ts";
import { Carver } from "../../../../../src/shared/memory/layout/carver.ts";
import {
  carveExplain,
  EXPLAIN_CHUNK_WORDS,
  type ExplainMemory,
  ExplainRing,
  ExplainWord,
} from "../../../../../src/shared/memory/layout/explain.ts";

const { USUAL, KEPT } = ExplainRing;
const LENGTH = 1024;
const PER_CHUNK = EXPLAIN_CHUNK_WORDS / LENGTH;

function memoryOf(chunks: number, worker = 0): ExplainMemory {
  const measure = new Carver();
  carveExplain(measure, 2);
  const memory = carveExplain(new Carver(new ArrayBuffer(measure.size)), 2);
  for (let chunk = 0; chunk < chunks; chunk++) addChunk(memory, worker, USUAL, chunk);
  return memory;
}

function write(memory: ExplainMemory, writer: ChunkWriter, number: number): void {
  const at = writer.next(LENGTH);
  memory.words[at + ExplainWord.LENGTH] = LENGTH;
  memory.doubles[(at + ExplainWord.BEGAN) >> 1] = number;
  memory.words[at + ExplainWord.BODY] = number;
  writer.commit(LENGTH);
}

function numbers(memory: ExplainMemory, worker = 0): number[] {
  const reader = new ChunkReader(memory);
  return chunksOf(memory, worker, USUAL).flatMap((chunk) =>
    [...reader.read(chunk)].map(({ row, at }) => row.words[at + ExplainWord.BODY]),
  );
}

describe("a ring of chunks", () => {
  test("gives records back, the newest first", () => {
    const memory = memoryOf(2);
    const writer = new ChunkWriter(memory, 0, USUAL);
    for (let number = 1; number <= PER_CHUNK + 3; number++) write(memory, writer, number);
    expect(numbers(memory)).toEqual(Array.from({ length: PER_CHUNK + 3 }, (_, i) => PER_CHUNK + 3 - i));
  });

  test("begins with the oldest again when it has come round", () => {
    const memory = memoryOf(3);
    const writer = new ChunkWriter(memory, 0, USUAL);
    const last = 10 * PER_CHUNK + 5;
    for (let number = 1; number <= last; number++) write(memory, writer, number);
    // Two are full, and one is being filled.
    expect(numbers(memory)).toEqual(Array.from({ length: 2 * PER_CHUNK + 5 }, (_, i) => last - i));
  });

  test("takes chunks that come while it is written", () => {
    const memory = memoryOf(1);
    const writer = new ChunkWriter(memory, 0, USUAL);
    for (let number = 1; number <= 5 * PER_CHUNK; number++) {
      write(memory, writer, number);
      if (number === 3) addChunk(memory, 0, USUAL, 1);
      if (number === PER_CHUNK + 3) addChunk(memory, 0, USUAL, 2);
    }
    expect(chunkCount(memory, 0, USUAL)).toBe(3);
    expect(numbers(memory)).toEqual(Array.from({ length: 3 * PER_CHUNK }, (_, i) => 5 * PER_CHUNK - i));
  });

  test("without a chunk there is no room, and with one there is", () => {
    const memory = memoryOf(0);
    const writer = new ChunkWriter(memory, 0, USUAL);
    expect(writer.next(LENGTH)).toBe(NO_ROOM);
    addChunk(memory, 0, USUAL, 7);
    write(memory, writer, 1);
    expect(numbers(memory)).toEqual([1]);
    expect(chunkCount(memory, 0, KEPT)).toBe(0);
  });

  test("a successor goes on where the worker has died, in the middle of a record or of a beginning", () => {
    const memory = memoryOf(3);
    const first = new ChunkWriter(memory, 0, USUAL);
    for (let number = 1; number <= PER_CHUNK + 1; number++) write(memory, first, number);
    memory.words[first.next(LENGTH) + ExplainWord.BODY] = 666; // never shown
    const second = new ChunkWriter(memory, 0, USUAL);
    for (let number = PER_CHUNK + 2; number <= 2 * PER_CHUNK; number++) write(memory, second, number);
    expect(numbers(memory)).toEqual(Array.from({ length: 2 * PER_CHUNK }, (_, i) => 2 * PER_CHUNK - i));
    memory.turn[memory.current[0] - 1] = 0; // it had only begun with this one
    memory.used[memory.current[0] - 1] = 0;
    const third = new ChunkWriter(memory, 0, USUAL);
    write(memory, third, 100);
    expect(numbers(memory)[0]).toBe(PER_CHUNK);
    for (let number = 101; number <= 100 + PER_CHUNK; number++) write(memory, third, number);
    expect(numbers(memory)[0]).toBe(100 + PER_CHUNK);
  });

  test("a chunk that is begun anew between two looks gives nothing of either", () => {
    const memory = memoryOf(1);
    const writer = new ChunkWriter(memory, 0, USUAL);
    for (let number = 1; number <= PER_CHUNK; number++) write(memory, writer, number);
    const [found] = chunksOf(memory, 0, USUAL);
    write(memory, writer, 99);
    expect([...new ChunkReader(memory).read(found)]).toEqual([]);
    expect(numbers(memory)).toEqual([99]);
  });

  test("nonsense in a length ends a chunk, and nothing else", () => {
    const memory = memoryOf(2);
    const writer = new ChunkWriter(memory, 0, USUAL);
    for (let number = 1; number <= PER_CHUNK; number++) write(memory, writer, number);
    memory.words[3 * LENGTH] = 0;
    expect(numbers(memory)).toEqual([3, 2, 1]);
  });
});
