import { describe, expect, test } from "bun:test";
import { seededRandom } from "../../../../src/balancing/random.ts";
import { historyBucketCount } from "../../../../src/shared/history-buckets.ts";
import { decodeDurations, encodeDurations } from "../../../../src/storage/sqlite/history/durations-blob.ts";

describe("histograms as bytes", () => {
  test.each([
    [[]],
    [[1]],
    [[0, 0, 5]],
    [[127, 128, 129, 16_383, 16_384, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]],
    [[...new Array(300).fill(0), 1, ...new Array(140).fill(0), 2]],
    [new Array(historyBucketCount).fill(1)],
    [[3, 0, 0, 0]],
  ])("come back as they were: %j", (counts) => {
    expect(decodeDurations(encodeDurations(counts))).toEqual(counts);
  });

  test("come back as they were, whatever they are", () => {
    const random = seededRandom(7);
    for (let round = 0; round < 500; round++) {
      const counts = Array.from({ length: Math.floor(random.next() * 200) }, () =>
        random.next() < 0.6 ? 0 : Math.floor(2 ** (random.next() * 53)),
      );
      expect(decodeDurations(encodeDurations(counts))).toEqual(counts);
    }
  });

  test("are short where most buckets are empty", () => {
    const counts = new Array(historyBucketCount).fill(0);
    counts[60] = 12;
    counts[61] = 200;
    expect(encodeDurations(counts).length).toBeLessThan(12);
  });

  test.each([
    ["nothing", []],
    ["a count that does not end", [1, 0x80]],
    ["fewer counts than it says", [2, 1]],
    ["more counts than it says", [1, 1, 1]],
    ["a run that is longer than all of it", [3, 0, 9]],
    ["a run without its length", [3, 1, 1, 0]],
    ["far too many buckets", [0xff, 0xff, 0xff, 0x7f]],
  ])("of %s are refused", (_, bytes) => {
    expect(() => decodeDurations(Uint8Array.from(bytes))).toThrow(RangeError);
  });
});
