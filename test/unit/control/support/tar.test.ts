/** Archives are what everybody's tar reads. */
import { expect, test } from "bun:test";
import { tarOf } from "../../../../src/control/support/tar.ts";

test("a file has a block of its own that adds up, and the end is two empty ones", () => {
  const archive = tarOf([{ name: "a/b.txt", body: new TextEncoder().encode("hello") }], 1_000);
  expect(archive).toHaveLength(512 * 4);
  const text = (from: number, length: number) => new TextDecoder().decode(archive.subarray(from, from + length));
  expect(text(0, 8)).toBe("a/b.txt\0");
  expect(text(124, 12)).toBe("00000000005\0");
  expect(text(257, 8)).toBe("ustar\x0000");
  expect(text(512, 6)).toBe("hello\0");
  const sum = archive.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  expect(text(148, 8)).toBe(`${sum.toString(8).padStart(6, "0")}\0 `);
  expect(archive.subarray(1024).every((byte) => byte === 0)).toBe(true);
  expect(() => tarOf([{ name: "x".repeat(101), body: new Uint8Array() }], 0)).toThrow("101 letters");
});
