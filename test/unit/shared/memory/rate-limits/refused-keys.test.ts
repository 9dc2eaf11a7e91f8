/** Who is refused most. Seeded. */
import { expect, test } from "bun:test";
import { halfSipHash, KeyHash } from "../../../../../src/shared/memory/rate-limits/half-sip-hash.ts";
import { limitMemory } from "../../../../../src/shared/memory/rate-limits/limit-file.ts";
import { mostRefused, RefusedKeys } from "../../../../../src/shared/memory/rate-limits/refused-keys.ts";

const SECRET = { k0: 1, k1: 2 };

function hashOf(name: string): KeyHash {
  const hash = new KeyHash();
  halfSipHash(SECRET, Buffer.from(name), 0, Buffer.byteLength(name), hash);
  return hash;
}

test("those who are refused most are found among any number of others, over all workers", () => {
  const { workers } = limitMemory({ keys: 64, concurrent: false, shared: false }, SECRET);
  const writers = [new RefusedKeys(workers[0]), new RefusedKeys(workers[1])];
  const add = (worker: number, name: string, ms: number) => writers[worker].add(hashOf(name), () => name, ms);
  for (let i = 0; i < 20_000; i++) {
    add(i % 2, `10.0.${i >> 8}.${i & 255}`, i); // once each
    if (i % 4 === 0) add(0, "192.0.2.1", i);
    if (i % 5 === 0) add(1, "192.0.2.2", i);
  }
  const [first, second, third] = mostRefused(workers.slice(0, 2), 5);
  expect([first.name, second.name]).toEqual(["192.0.2.1", "192.0.2.2"]);
  expect(first.count).toBeWithin(4900, 5100);
  expect(second.count).toBeWithin(3900, 4100);
  expect(third.count).toBeLessThan(first.count);
  expect(first.lastMs).toBe(19_996);
});

test("a name of any length and kind is shown as far as there is room", () => {
  const { workers } = limitMemory({ keys: 64, concurrent: false, shared: false }, SECRET);
  new RefusedKeys(workers[0]).add(hashOf("a"), () => "é".repeat(500), 1);
  const [{ name }] = mostRefused(workers.slice(0, 1), 1);
  expect(name).toBe("é".repeat(40));
});

test("a successor goes on beside what its predecessor has left", () => {
  const { workers } = limitMemory({ keys: 64, concurrent: false, shared: false }, SECRET);
  for (let life = 0; life < 2; life++) {
    const writer = new RefusedKeys(workers[0]);
    for (let i = 0; i < 3; i++) writer.add(hashOf("a"), () => "a", i);
  }
  expect(mostRefused(workers.slice(0, 1), 9)).toEqual([{ name: "a", count: 6, lastMs: 2 }]);
});
