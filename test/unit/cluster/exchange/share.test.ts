import { describe, expect, test } from "bun:test";
import { DigitReader, DigitWriter, MOST } from "../../../../src/cluster/exchange/digits.ts";
import { emptyFigures } from "../../../../src/cluster/exchange/figures.ts";
import { KnownLayouts } from "../../../../src/cluster/exchange/known-layouts.ts";
import { layoutOf, readLayout, serverHash, writeLayout } from "../../../../src/cluster/exchange/layout.ts";
import { OwnShares } from "../../../../src/cluster/exchange/own-shares.ts";
import { readTold, writeTold } from "../../../../src/cluster/exchange/share.ts";

const ID = "0123456789abcdef";
const HASHES = ["a", "b", "c"].map((name) => serverHash("default", `http://${name}:80`, "10.0.0.1"));

describe("numbers as text", () => {
  test.each([0, 1, 31, 32, 1023, 1024, 123_456_789, MOST])("%d comes back", (value) => {
    const writer = new DigitWriter();
    writer.number(value);
    const text = writer.take();
    expect(text).toMatch(/^[0-o]+$/);
    const reader = new DigitReader(text);
    expect(reader.number()).toBe(value);
    expect(reader.atEnd).toBe(true);
  });

  test("what cannot be written becomes the nearest that can", () => {
    const writer = new DigitWriter();
    for (const value of [-5, MOST * 8]) writer.number(value);
    const reader = new DigitReader(writer.take());
    expect([reader.number(), reader.number()]).toEqual([0, MOST]);
  });

  test.each(["", "o", "ooooooo0", "ooooooo", " ", "~", "\u0000"])("%p is no number", (text) => {
    expect(() => new DigitReader(text).number()).toThrow("none of ours");
  });
});

describe("a share", () => {
  const layout = layoutOf(HASHES);
  const figures = emptyFigures(8);
  figures.known.fill(1, 2, 5);
  figures.inFlight[3] = 70_000;
  figures.workInFlight[3] = 1_000_000;
  figures.transferring[4] = 2;
  figures.ejected[4] = 1;
  const text = writeTold(layout, [{ id: ID, turn: 77 }], figures, (place) => place + 2);

  test("comes back", () => {
    const told = readTold(text);
    expect(told.shares).toEqual([{ id: ID, turn: 77 }]);
    expect(told.layout).toBe(layout.id);
    expect([...told.figures.inFlight]).toEqual([0, 70_000, 0]);
    expect([...told.figures.workInFlight]).toEqual([0, 1_000_000, 0]);
    expect([...told.figures.transferring]).toEqual([0, 0, 2]);
    expect([...told.figures.known]).toEqual([1, 1, 1]);
    expect([...told.figures.ejected]).toEqual([0, 0, 1]);
  });

  test("that is cut, longer, or changed somewhere is refused, or says something that may be", () => {
    for (let length = 0; length < text.length; length++) expect(() => readTold(text.slice(0, length))).toThrow();
    expect(() => readTold(`${text}0`)).toThrow("none of ours");
    for (let at = 0; at < text.length; at++) {
      for (const digit of ["0", "o", " ", "\u2603"]) {
        try {
          const told = readTold(text.slice(0, at) + digit + text.slice(at + 1));
          for (const votes of [told.figures.known, told.figures.down, told.figures.ejected]) {
            expect(Math.max(...votes)).toBeLessThanOrEqual(told.shares.length);
          }
        } catch (error) {
          expect((error as Error).message).toContain("none of ours");
        }
      }
    }
  });

  test("with more votes than instances, or more requests than there can be, is refused", () => {
    const many = emptyFigures(3);
    const told = () => readTold(writeTold(layout, [{ id: ID, turn: 1 }], many, (place) => place));
    many.known[0] = 2;
    expect(told).toThrow();
    many.known[0] = 1;
    many.down[0] = 1;
    expect(told().figures.down[0]).toBe(1);
    many.ejected[0] = 1; // it is down for this instance already
    expect(told).toThrow();
    many.ejected[0] = 0;
    many.inFlight[1] = 1_000_001;
    expect(told).toThrow();
  });
});

describe("layouts", () => {
  test("are the same in whatever order servers are configured", () => {
    expect(layoutOf([...HASHES].reverse())).toEqual(layoutOf(HASHES));
    expect(layoutOf([...HASHES, HASHES[0]])).toEqual(layoutOf(HASHES));
  });

  test("come back, and nothing else under their names", () => {
    const layout = layoutOf(HASHES);
    expect(readLayout(layout.id, writeLayout(layout.hashes))).toEqual(layout);
    expect(() => readLayout(layout.id, writeLayout(layout.hashes.slice(1)))).toThrow();
    expect(() => readLayout(layout.id, "rubbish")).toThrow();
  });

  test("that were found are known, and nothing else that was found", () => {
    const known = new KnownLayouts();
    known.own(new Map([[HASHES[1], 5]]));
    const layout = layoutOf(HASHES);
    expect(known.unknown([layout.id, layout.id])).toEqual([layout.id]);
    for (const text of [null, "rubbish", writeLayout(HASHES.slice(1))]) known.found([layout.id], [text]);
    expect(known.get(layout.id)).toBeUndefined();
    known.found([layout.id], [writeLayout(layout.hashes)]);
    expect(known.get(layout.id)).toEqual(layout);
    expect(known.unknown([layout.id])).toEqual([]);
    const place = layout.hashes.indexOf(HASHES[1]);
    expect([...known.slots(layout.id)]).toEqual([0, 1, 2].map((at) => (at === place ? 5 : -1)));
    known.own(new Map([[HASHES[1], 6]]));
    expect(known.slots(layout.id)[place]).toBe(6);
  });

  test("are bounded, whatever others make up", () => {
    const known = new KnownLayouts();
    const named = (i: number) => layoutOf([serverHash("p", `http://h:${i}`, "")]);
    for (let i = 0; i < 1000; i++) known.add(named(i));
    expect(known.get(named(0).id)).toBeUndefined();
    expect(known.get(named(999).id)).toEqual(named(999));
    expect(known.unknown(Array.from({ length: 1000 }, (_, i) => `${i}`))).toHaveLength(256);
  });
});

test("own shares are remembered by their turns, the last of them", () => {
  const own = new OwnShares(2);
  const figures = emptyFigures(2);
  const turns = Array.from({ length: 40 }, (_, i) => {
    figures.inFlight[0] = i;
    return own.keep(figures);
  });
  expect(own.at(turns[39])!.inFlight[0]).toBe(39);
  expect(own.at(turns[10])!.inFlight[0]).toBe(10);
  expect(own.at(turns[5])).toBeUndefined();
  own.forget();
  expect(own.at(turns[39])).toBeUndefined();
});
