import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  createRuntimeDirectory,
  createSharedMemory,
  removeRuntimeDirectory,
} from "../../../../src/shared/memory/file.ts";
import { OUTCOME_ROWS, OutcomeWord } from "../../../../src/shared/memory/layout/learning.ts";
import type { Ring } from "../../../../src/shared/memory/layout/ring.ts";
import { MemoryPages } from "../../../../src/shared/memory/pages.ts";
import { newRow, RingCursor, RingReader, RingWriter } from "../../../../src/shared/memory/ring.ts";
import { spawn } from "../../../support/processes.ts";

const ROWS = 8;
const WORDS = 4;

function ringOf(rows = ROWS, head = 0): Ring {
  const words = new Int32Array(new SharedArrayBuffer(rows * WORDS * 4));
  return {
    head: Int32Array.of(head),
    words,
    floats: new Float32Array(words.buffer),
    figures: new Float64Array(words.buffer),
  };
}

/** Appends records whose every word is their own number. */
function append(writer: RingWriter, count: number): number {
  let number = 0;
  for (let i = 0; i < count; i++) {
    const at = writer.next();
    writer.ring.words.fill((writer.ring.head[0] + 1) | 0, at, at + WORDS);
    number = writer.commit();
  }
  return number;
}

function drained(cursor: RingCursor): { numbers: number[]; lost: number } {
  const numbers: number[] = [];
  const lost = cursor.drain((row, number) => {
    expect([...row.words]).toEqual(Array(WORDS).fill(number));
    numbers.push(number);
  });
  return { numbers, lost };
}

describe("a ring", () => {
  test("gives each record once, in order, and is empty before the first", () => {
    const ring = ringOf();
    const writer = new RingWriter(ring, ROWS, WORDS);
    const cursor = new RingCursor(ring, ROWS, WORDS);
    expect(drained(cursor)).toEqual({ numbers: [], lost: 0 });
    expect(append(writer, 3)).toBe(3);
    expect(drained(cursor)).toEqual({ numbers: [1, 2, 3], lost: 0 });
    expect(drained(cursor)).toEqual({ numbers: [], lost: 0 });
    append(writer, 5);
    expect(drained(cursor)).toEqual({ numbers: [4, 5, 6, 7, 8], lost: 0 });
  });

  test("shows nothing of a record that was not committed", () => {
    const ring = ringOf();
    const writer = new RingWriter(ring, ROWS, WORDS);
    ring.words.fill(99, writer.next(), writer.next() + WORDS);
    expect(new RingReader(ring, ROWS, WORDS).read(1, newRow(WORDS))).toBe(false);
    expect(drained(new RingCursor(ring, ROWS, WORDS))).toEqual({ numbers: [], lost: 0 });
  });

  test("counts what was overwritten before it was read; the row that may be in writing is not read", () => {
    const ring = ringOf();
    const cursor = new RingCursor(ring, ROWS, WORDS);
    append(new RingWriter(ring, ROWS, WORDS), 20);
    const { numbers, lost } = drained(cursor);
    expect(numbers).toEqual([14, 15, 16, 17, 18, 19, 20]);
    expect(lost).toBe(13);
  });

  test("a reader who comes later begins with the oldest that is there", () => {
    const ring = ringOf();
    append(new RingWriter(ring, ROWS, WORDS), 11);
    expect(drained(new RingCursor(ring, ROWS, WORDS))).toEqual({ numbers: [5, 6, 7, 8, 9, 10, 11], lost: 0 });
  });

  test("a record that is overwritten while it is copied is not given out", () => {
    const ring = ringOf();
    const writer = new RingWriter(ring, ROWS, WORDS);
    append(writer, 3);
    const row = newRow(WORDS);
    // The writer laps the reader between two words.
    let copied = 0;
    const words = new Proxy(row.words, {
      set(target, index, value) {
        if (++copied === 2) append(writer, ROWS);
        target[Number(index)] = value;
        return true;
      },
    });
    expect(new RingReader(ring, ROWS, WORDS).read(2, { ...row, words })).toBe(false);
    expect(copied).toBe(WORDS);
    expect(new RingReader(ring, ROWS, WORDS).read(9, row)).toBe(true);
  });

  test("numbers wrap around, past 2^31 and past 2^32", () => {
    for (const head of [0x7ffffffc, -4]) {
      const ring = ringOf(ROWS, head);
      const writer = new RingWriter(ring, ROWS, WORDS);
      append(writer, 2);
      const cursor = new RingCursor(ring, ROWS, WORDS);
      drainedTail(cursor);
      append(writer, 6);
      const numbers = [3, 4, 5, 6, 7, 8].map((i) => (head + i) | 0);
      expect(drained(cursor)).toEqual({ numbers, lost: 0 });
    }

    /** The rows before the first record hold nothing of sense here. */
    function drainedTail(cursor: RingCursor): void {
      cursor.drain(() => {});
    }
  });

  test("between processes, at full speed: every record that is given out is whole, and the others are counted", async () => {
    const directory = createRuntimeDirectory();
    let stop = (): void => {};
    try {
      const path = join(directory, "memory");
      const memory = createSharedMemory(path);
      const pages = new MemoryPages(path, memory);
      pages.reserveWorkers(1);
      pages.reserveRings();
      const cursor = new RingCursor(memory.rings[0].outcomes, OUTCOME_ROWS, OutcomeWord.LENGTH);
      const writer = spawn([process.execPath, join(import.meta.dir, "ring-writer-process.ts"), path], {
        ipc() {},
      });
      stop = () => writer.kill("SIGKILL"); // where it was not told to end
      let seen = 0;
      let lost = 0;
      let torn = 0;
      const look = () => {
        lost += cursor.drain((row, number) => {
          seen++;
          if (row.words.some((word) => word !== number)) torn++;
        });
      };
      const { head } = memory.rings[0].outcomes;
      let wanted = true;
      while (writer.exitCode === null) {
        look();
        if (wanted && head[0] > 400_000 && seen > 10 * OUTCOME_ROWS) {
          wanted = false;
          writer.disconnect();
        }
        await Bun.sleep(seen % 3); // sometimes behind, sometimes at the writer's heels
      }
      look();
      expect(writer.exitCode).toBe(0);
      expect(torn).toBe(0);
      expect(seen + lost).toBe(head[0]);
    } finally {
      stop();
      removeRuntimeDirectory(directory);
    }
  });
});
