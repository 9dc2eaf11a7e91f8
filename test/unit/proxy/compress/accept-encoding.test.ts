import { expect, test } from "bun:test";
import { preferredEncoding } from "../../../../src/proxy/compress/accept-encoding.ts";

const OURS = ["br", "zstd", "gzip"] as const;

test.each([
  [null, null],
  ["", null],
  ["identity", null],
  ["deflate", null],
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["gzip, deflate, br, zstd", "br"],
  ["gzip, zstd", "zstd"],
  ["*", "br"],
  ["br;q=0, *", "zstd"],
  ["*;q=0.1, gzip", "gzip"],
  ["*;q=0", null],
  ["*;q=0, gzip;q=0.001", "gzip"],
  ["gzip;q=1.0, br;q=0.9", "gzip"],
  ["gzip ; q=0.5 , br ; q=0.5", "br"],
  ["gzip;q=0", null],
  ["gzip;q=0.000", null],
  // The content as it is has a weight of its own only where it is named.
  ["gzip;q=0.5, identity;q=0.6", null],
  ["gzip;q=0.5, identity;q=0.5", "gzip"],
  ["gzip;q=0.5, identity;q=0", "gzip"],
  ["identity;q=0", null],
  // Who says something else than a weight is not understood: as it is, then.
  ["gzip;q=2", null],
  ["gzip;q=0.1234", null],
  ["gzip;q=", null],
  ["gzip;q", null],
  ["gzip;q=-0", null],
  ["gzip;q=1e0", null],
  ["gzip;level=3", "gzip"],
  [",,gzip,,", "gzip"],
  ["gzipped", null],
] as const)("%p gets %p", (value, encoding) => {
  expect(preferredEncoding(value, OURS)).toBe(encoding);
});

test("of a list that has no end only the beginning counts", () => {
  const many = `${"x,".repeat(63)}gzip`;
  expect(preferredEncoding(many, ["gzip"])).toBe("gzip");
  expect(preferredEncoding(`x,${many}`, ["gzip"])).toBeNull();
  expect(preferredEncoding("gzip;a=1;b=1;q=0.5", ["gzip"])).toBe("gzip");
});

test("of what is liked as much the first of ours is taken, whatever the order of the client", () => {
  expect(preferredEncoding("br, gzip", ["gzip", "br"])).toBe("gzip");
  expect(preferredEncoding("br, gzip", ["zstd"])).toBeNull();
});
