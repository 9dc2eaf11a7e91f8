import { describe, expect, test } from "bun:test";
import { TableIndex } from "../../../../../src/learning/online/attempts/table-index.ts";
import type { PublishedTable } from "../../../../../src/learning/serving/table-history.ts";
import { TableModel } from "../../../../../src/learning/serving/table-writer.ts";

describe("the index of tables", () => {
  const table = (model: TableModel, sequence: number, atMs: number): PublishedTable =>
    ({
      model,
      sequence,
      atMs,
      modelVersion: sequence % 7,
      features: { meanMs: atMs / 10 },
    }) as unknown as PublishedTable;

  test("knows tables by number and by time, long after the tables themselves are gone", () => {
    const index = new TableIndex();
    for (let sequence = 1; sequence <= 5000; sequence++) {
      index.add(table(TableModel.CHAMPION, sequence, sequence * 50));
      index.add(table(TableModel.SHADOW, sequence, sequence * 50));
    }
    index.add(table(TableModel.CANARY, 3, 1));
    expect(index.find(TableModel.CHAMPION, 4000)).toEqual({
      sequence: 4000,
      atMs: 200_000,
      modelVersion: 4000 % 7,
      meanMs: 20_000,
    });
    expect(index.find(TableModel.CHAMPION, 100)).toBeUndefined();
    expect(index.find(TableModel.CANARY, 3)?.atMs).toBe(1);
    expect(index.find(TableModel.SHADOW, 4000)).toBeUndefined();
    expect(index.at(200_049)?.sequence).toBe(4000);
    expect(index.at(1e9)?.sequence).toBe(5000);
    expect(index.at(0)).toBeUndefined();
  });
});
