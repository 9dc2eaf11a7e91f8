/** The book of keys in use: found by row, looked at when it is time, also where there are very many. */
import { expect, test } from "bun:test";
import { type BookedKey, LeaseBook } from "../../../../src/control/rate-limits/lease-book.ts";

const keyAt = (row: number, dueMs = 0): BookedKey => ({ row, tag: row + 1, hi: row + 2, dueMs, at: 0 });
const nobody = (): never => {
  throw new Error("the row was no other key's");
};

test("a row that is another key's now leaves the old one in the book, without a row", () => {
  const book = new LeaseBook<BookedKey>();
  const old = keyAt(7);
  book.add(old);
  expect(book.find(7, 8, 9, nobody)).toBe(old);
  const left: BookedKey[] = [];
  expect(book.find(7, 100, 9, (key) => left.push(key))).toBeUndefined();
  expect([left, old.row, book.size]).toEqual([[old], -1, 1]);
  const next = { ...keyAt(7), tag: 100 };
  book.add(next);
  book.remove(old);
  expect(book.find(7, 100, 9, nobody)).toBe(next);
  expect(book.size).toBe(1);
});

test("those are looked at whose time it is; others wait", () => {
  const book = new LeaseBook<BookedKey>();
  for (let row = 0; row < 10; row++) book.add(keyAt(row, row * 100));
  expect(
    book
      .due(450)
      .map(({ row }) => row)
      .sort(),
  ).toEqual([0, 1, 2, 3, 4]);
});

test("each once in a round, and of very many all within some rounds, whoever is removed meanwhile", () => {
  const book = new LeaseBook<BookedKey>();
  const count = 200_000;
  for (let row = 0; row < count; row++) book.add(keyAt(row));
  const seen = new Set<number>();
  let largest = 0;
  for (let round = 0; round < 160; round++) {
    const due = book.due(1);
    largest = Math.max(largest, due.length);
    expect(new Set(due).size).toBe(due.length);
    for (const key of due) {
      seen.add(key.row);
      if (key.row % 2 === 0) book.remove(key);
    }
  }
  expect(seen.size).toBe(count);
  expect(book.size).toBe(count / 2);
  expect(largest).toBeLessThanOrEqual(count / 16);
  expect([...book].every(({ row }) => row % 2 === 1)).toBe(true);
});
