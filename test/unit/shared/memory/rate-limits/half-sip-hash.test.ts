/** The hash against the reference's own vectors. */
import { expect, test } from "bun:test";
import { halfSipHash, KeyHash } from "../../../../../src/shared/memory/rate-limits/half-sip-hash.ts";

/** HalfSipHash-2-4 with 64 bits of output, key 00 … 07, of the inputs 00 … (n-1), by n: vectors.h of the reference code. */
const VECTORS = [
  "218d1f59b9b83cc8",
  "be552412f8387315",
  "064f39ef7c50eb57",
  "ce0f1a45f7060679",
  "d5e78a175be52ea1",
  "cb9d7c3f2f3db580",
  "ce3e91358aa2bc25",
  "ff202728b07bc684",
  "edfee820bce4858c",
];

test("as the reference code", () => {
  const key = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]);
  const secret = { k0: key.readInt32LE(0), k1: key.readInt32LE(4) };
  const input = Uint8Array.from({ length: 40 }, (_, index) => index);
  const hash = new KeyHash();
  const hashes = VECTORS.map((_, length) => {
    halfSipHash(secret, input, 0, length, hash);
    const bytes = Buffer.alloc(8);
    bytes.writeInt32LE(hash.lo, 0);
    bytes.writeInt32LE(hash.hi, 4);
    return bytes.toString("hex");
  });
  expect(hashes).toEqual(VECTORS);
});

test("only what lies between start and end", () => {
  const [one, other] = [new KeyHash(), new KeyHash()];
  const secret = { k0: 17, k1: -4 };
  halfSipHash(secret, Buffer.from("xx203.0.113.7yy"), 2, 13, one);
  halfSipHash(secret, Buffer.from("203.0.113.7"), 0, 11, other);
  expect(one).toEqual(other);
});
