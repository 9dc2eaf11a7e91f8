import { expect, test } from "bun:test";
import { KeyTable, SET_WORDS } from "../../../../../src/shared/memory/rate-limits/key-table.ts";

const WAYS = SET_WORDS / 2;
const TAG = 7;

test("who loses a race for a key's first place finds the winner's, and forgets nobody", () => {
  const words = new Int32Array(SET_WORDS); // one set, so that it is looked through twice
  let looks = 0;
  const table = new KeyTable(words, {
    isFree: (value) => {
      // Just after this worker has seen the last place another one takes the first for the same key.
      if (++looks === 2 * WAYS) [words[0], words[WAYS]] = [TAG, 5];
      return value === 0;
    },
    worth: (value) => value,
    fresh: () => 0,
  });
  words.fill(1, 0, WAYS); // tags of keys that mean nothing any more
  expect(table.find(0, TAG, 0, true)).toBe(WAYS);
  expect([table.forgot, words.subarray(0, WAYS).filter((tag) => tag === TAG).length]).toEqual([false, 1]);
});
