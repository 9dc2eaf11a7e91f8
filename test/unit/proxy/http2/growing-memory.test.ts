import { expect, test } from "bun:test";
import { GrowingMemory } from "../../../../src/proxy/http2/growing-memory.ts";

test("it is used again for what fits, and grows by twice for what does not", () => {
  const memory = new GrowingMemory();
  const first = memory.room(4096);
  expect(memory.room(10)).toBe(first);
  expect(memory.room(4097).length).toBe(8192);
  expect(memory.room(100_000).length).toBe(100_000);
  expect(memory.bytes.length).toBe(100_000);
});
