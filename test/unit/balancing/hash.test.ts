import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { hashBytes, hashString, mix32, serverIdentityHash } from "../../../src/balancing/hash.ts";
import { seededRandom } from "../../../src/balancing/random.ts";
import { chiSquare } from "./fleet.ts";

const utf8 = new TextEncoder();

describe("hash", () => {
  test("FNV-1a underneath: known vectors, finished by MurmurHash3's mixing", () => {
    expect(hashString("")).toBe(mix32(0x811c9dc5));
    expect(hashString("a")).toBe(mix32(0xe40c292c));
    expect(hashString("foobar")).toBe(mix32(0xbf9cf968));
    expect(mix32(1)).toBe(0x514e28b7);
  });

  test("a string hashes like its UTF-8 bytes, anywhere in a buffer", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(9), (text, offset) => {
        const bytes = utf8.encode(text);
        const buffer = new Uint8Array(bytes.length + offset + 3).fill(0xee);
        buffer.set(bytes, offset);
        expect(hashString(text)).toBe(hashBytes(buffer, offset, offset + bytes.length));
      }),
    );
  });

  test("keys that differ little spread evenly", () => {
    const counts = new Array(64).fill(0);
    for (let i = 0; i < 64_000; i++) counts[hashString(`10.0.${i >> 8}.${i & 255}`) >>> 26]++;
    expect(chiSquare(counts)).toBeLessThan(127); // 63 degrees of freedom: p = 4e-6
  });

  test("every input bit flips about half of the output bits", () => {
    const random = seededRandom(3);
    for (let bit = 0; bit < 32; bit++) {
      let flipped = 0;
      for (let i = 0; i < 500; i++) {
        const word = random.nextUint32();
        let difference = mix32(word) ^ mix32(word ^ (1 << bit));
        for (; difference !== 0; difference &= difference - 1) flipped++;
      }
      expect(Math.abs(flipped / 500 - 16)).toBeLessThan(1);
    }
  });

  test("a server's identity holds its URL and its address", () => {
    const identity = serverIdentityHash("http://app:80", "10.0.0.1");
    expect(serverIdentityHash("http://app:80", "10.0.0.1")).toBe(identity);
    expect(serverIdentityHash("http://app:80", "10.0.0.2")).not.toBe(identity);
    expect(serverIdentityHash("http://app:81", "10.0.0.1")).not.toBe(identity);
  });
});

describe("seeded random", () => {
  test("repeats by seed and differs between seeds", () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 20 }, random.nextUint32);
    };
    expect(draw(1)).toEqual(draw(1));
    const firsts = new Set([0, 1, 2, 3, -1, 2 ** 32, 2 ** 32 + 1, 2 ** 40].map((seed) => draw(seed).join()));
    expect(firsts.size).toBe(8);
  });

  test("is uniform in [0, 1)", () => {
    const random = seededRandom(42);
    const counts = new Array(100).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const x = random.next();
      if (!(x >= 0 && x < 1)) throw new Error(`out of range: ${x}`);
      counts[Math.floor(x * 100)]++;
    }
    expect(chiSquare(counts)).toBeLessThan(170); // 99 degrees of freedom: p = 1e-5
  });
});
