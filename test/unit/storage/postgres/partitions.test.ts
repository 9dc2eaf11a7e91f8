import { describe, expect, test } from "bun:test";
import { partitionWidth } from "../../../../src/storage/postgres/partitions.ts";

describe("partitions are as long as", () => {
  const HOURS = 3_600_000;
  test.each([
    [1, 1],
    [72, 1],
    [200, 1],
    [201, 6],
    [24 * 31, 6],
    [24 * 60, 24],
    [8_760, 24 * 30],
    [24 * 3_650, 24 * 30],
  ])("what is kept for %d hours needs: %d", (kept, width) => {
    expect(partitionWidth(kept * HOURS) / 3_600).toBe(width);
  });
});
