import { describe, expect, test } from "bun:test";
import { WriteBuffer } from "../../../../src/storage/buffered/write-buffer.ts";

interface Row {
  readonly n: number;
  readonly key: string;
  readonly count: number;
}

const row = (n: number, key = "a"): Row => ({ n, key, count: 1 });
const merge = (a: Row, b: Row): Row => ({ ...a, count: a.count + b.count });

function buffer(waitingRows: number, waitingBytes = 1e9, isMerged = true): WriteBuffer<Row> {
  const merged = isMerged ? { coarserKey: ({ key }: Row) => key, merge } : {};
  return new WriteBuffer<Row>({ waitingRows, waitingBytes, bytesOf: () => 10, ...merged });
}

const counted = (rows: readonly Row[]) => rows.map(({ n, key, count }) => `${key}${n}×${count}`);

describe("rows that wait", () => {
  test("go, the oldest first, where they cannot become coarser", () => {
    const waiting = buffer(3, 1e9, false);
    waiting.push([1, 2, 3, 4, 5].map((n) => row(n)));
    expect(waiting.dropped).toBe(2);
    expect(counted(waiting.take(10))).toEqual(["a3×1", "a4×1", "a5×1"]);
  });

  test("become coarser before any goes, in the order of the oldest of each", () => {
    const waiting = buffer(4);
    waiting.push([row(1, "a"), row(2, "b"), row(3, "a"), row(4, "b"), row(5, "c")]);
    expect(waiting.dropped).toBe(0);
    expect(counted(waiting.take(10))).toEqual(["a1×2", "b2×2", "c5×1"]);
  });

  test("become coarser again and again, and go when that is not enough", () => {
    const waiting = buffer(3);
    for (let n = 0; n < 100; n++) waiting.push([row(n, "a"), row(n, "b")]);
    expect([waiting.length, waiting.dropped]).toEqual([2, 0]);
    waiting.push(["c", "d", "e"].map((key) => row(100, key)));
    expect([waiting.length, waiting.dropped]).toEqual([3, 2]);
    expect(counted(waiting.take(10))).toEqual(["c100×1", "d100×1", "e100×1"]);
  });

  test("are bounded in bytes as well", () => {
    const waiting = buffer(1_000, 40);
    waiting.push(["a", "b", "c", "d", "e", "a"].map((key, n) => row(n, key)));
    expect([waiting.length, waiting.dropped]).toEqual([4, 1]);
    for (let n = 0; n < 50; n++) waiting.push([row(n, "e")]);
    expect([waiting.length, waiting.dropped]).toEqual([4, 1]);
  });
});

describe("rows that were taken", () => {
  test("come again as they were and by themselves when they were put back, whatever came meanwhile", () => {
    const waiting = buffer(4);
    waiting.push([row(1), row(2)]);
    const taken = waiting.take(10);
    waiting.push([row(3), row(4), row(5)]);
    expect([waiting.length, waiting.waiting, waiting.taken]).toEqual([3, 1, 2]);
    waiting.putBack();
    waiting.push([row(6)]);
    expect([waiting.length, waiting.waiting, waiting.failed, waiting.fresh]).toEqual([4, 4, 2, 2]);
    expect(waiting.takeAgain()).toBe(taken);
    expect(waiting.settle()).toBe(2);
    expect(counted(waiting.take(10))).toEqual(["a3×3", "a6×1"]);
    expect(waiting.dropped).toBe(0);
  });

  test("and were not written are the oldest of what waits again", () => {
    const waiting = buffer(5);
    waiting.push([row(1, "a"), row(2, "b")]);
    waiting.take(10);
    waiting.push([row(3, "a"), row(4, "b"), row(5, "c")]);
    waiting.giveBack();
    waiting.push([row(6, "c")]);
    expect([waiting.length, waiting.dropped]).toEqual([3, 0]);
    expect(counted(waiting.take(10))).toEqual(["a1×2", "b2×2", "c5×2"]);
  });

  test("make no room for others before it is known what became of them", () => {
    const waiting = buffer(2);
    waiting.push([row(1, "a"), row(2, "b")]);
    waiting.take(10);
    waiting.push([row(3, "c")]);
    expect([waiting.length, waiting.dropped]).toEqual([2, 1]);
    waiting.settle();
    waiting.push([row(4, "d")]);
    expect([waiting.length, waiting.dropped]).toEqual([1, 1]);
  });
});
