import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Sampler } from "../../../../../src/proxy/record/trace/sampler.ts";
import { IdSource } from "../../../../../src/proxy/rewrite/request-ids.ts";

/** No parent; a parent that is not sampled; one that is. */
const PARENTS = [-1, 0, 1];
const hex = fc.stringMatching(/^[0-9a-f]{32}$/);

function sampler(ratio: number, parentBased = false): (id: string, parent?: number) => boolean {
  const made = new Sampler({ ratio, parentBased });
  return (id, parent = -1) => made.samples(Buffer.from(`..${id}`), 2, parent);
}

describe("always_on and always_off", () => {
  test("look at nothing", () => {
    fc.assert(
      fc.property(hex, (id) => {
        for (const parent of PARENTS) {
          expect(sampler(1)(id, parent)).toBe(true);
          expect(sampler(0)(id, parent)).toBe(false);
        }
      }),
    );
  });
});

describe("by ratio", () => {
  test("is as the right half of the id says: the same number that the SDKs compare", () => {
    const ratios = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.constantFrom(0.5, 0.25, 0.01, 2 ** -33, 1e-9),
    );
    fc.assert(
      fc.property(hex, ratios, (id, ratio) => {
        // 52 bits of the 64: so many a number holds exactly.
        const expected = Number(BigInt(`0x${id.slice(16, 29)}`)) < ratio * 2 ** 52;
        expect(sampler(ratio)(id)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  test("does not look at the left half, nor at the parent", () => {
    const half = sampler(0.5);
    expect(half(`${"f".repeat(16)}7${"f".repeat(15)}`)).toBe(true);
    expect(half(`${"0".repeat(16)}8${"0".repeat(15)}`)).toBe(false);
    expect(half(`${"0".repeat(16)}8${"0".repeat(15)}`, 1)).toBe(false);
    expect(half(`${"0".repeat(16)}7${"0".repeat(15)}`, 0)).toBe(true);
  });

  test("whoever is sampled at one ratio is at every higher one", () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(hex, ratio, ratio, (id, a, b) => {
        if (sampler(Math.min(a, b))(id)) expect(sampler(Math.max(a, b))(id)).toBe(true);
      }),
    );
  });

  test("takes its share of our own ids", () => {
    const ids = new IdSource(new Uint32Array([1, 2, 3, 4]));
    const made = new Sampler({ ratio: 0.01, parentBased: true });
    const buf = Buffer.alloc(32);
    let sampled = 0;
    for (let i = 0; i < 200_000; i++) {
      ids.write(buf, 0, 32);
      if (made.samples(buf, 0, -1)) sampled++;
    }
    expect(Math.abs(sampled - 2000)).toBeLessThan(225); // five standard deviations
  });
});

describe("based on the parent", () => {
  test("is as the parent is, and by ratio where there is none", () => {
    fc.assert(
      fc.property(hex, fc.double({ min: 0, max: 1, noNaN: true }), (id, ratio) => {
        expect(sampler(ratio, true)(id, 1)).toBe(true);
        expect(sampler(ratio, true)(id, 0)).toBe(false);
        expect(sampler(ratio, true)(id)).toBe(sampler(ratio)(id));
      }),
    );
  });
});

describe("a stranger's trace", () => {
  test("is sampled by digits of ours in place of its id, or as its parent is", () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(hex, ratio, fc.constantFrom(0, 1), (id, some, parent) => {
        const buf = Buffer.from(`..${id}`);
        const by = (parentBased: boolean) => new Sampler({ ratio: some, parentBased });
        expect(by(false).samplesOfStranger(buf, 18, parent)).toBe(by(false).samples(buf, 2, -1));
        expect(by(true).samplesOfStranger(buf, 18, parent)).toBe(parent === 1);
      }),
    );
  });
});
