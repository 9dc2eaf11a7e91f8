import { expect, test } from "bun:test";
import { IdSource } from "../../../../src/proxy/rewrite/request-ids.ts";
import { hashRequestId } from "../../../../src/shared/memory/request-id-hash.ts";

function hash(text: string): string {
  const words = new Int32Array(4);
  const bytes = Buffer.from(`..${text}..`, "latin1");
  hashRequestId(bytes, 2, 2 + text.length, words, 0);
  return words.join();
}

test("the hash depends on the whole id and on nothing around it", () => {
  expect(hash("abc")).toBe(hash("abc"));
  const texts = ["", "a", "b", "ab", "ba", "0".repeat(31), "0".repeat(32), "0".repeat(33), `${"0".repeat(31)}1`];
  for (let i = 0; i < 40; i++) texts.push(`${"x".repeat(i)}y${"x".repeat(40 - i)}`);
  expect(new Set(texts.map(hash)).size).toBe(texts.length);
});

test("ids of ours do not collide, not even in one of the four words", () => {
  const source = new IdSource(Uint32Array.of(1, 2, 3, 4));
  const id = Buffer.alloc(32);
  const words = new Int32Array(4);
  const seen = [0, 1, 2, 3].map(() => new Set<number>());
  const n = 5000;
  for (let i = 0; i < n; i++) {
    source.write(id, 0, 32);
    hashRequestId(id, 0, 32, words, 0);
    for (const [word, values] of seen.entries()) values.add(words[word]);
  }
  for (const values of seen) expect(values.size).toBeGreaterThan(n - 5);
});
