import { expect, test } from "bun:test";
import {
  emptyKnowledge,
  MOST_ROWS,
  markOf,
  Packer,
  saysSomething,
  Told,
} from "../../../../../src/learning/cluster/knowledge/packed.ts";

const MARK = markOf("shop", "http://10.0.0.1:8001 10.0.0.1");

function packed(mark = MARK, ratio = 2) {
  const packer = new Packer();
  const known = emptyKnowledge();
  known.sizes.fill(3.3);
  known.sizes[4] = 0;
  known.curve.fill(1000);
  known.curve[2] = 0;
  known.ratio = ratio;
  packer.begin(10);
  packer.add(mark, known);
  return packer.told.slice();
}

test("what is told comes as it was, in steps of a tenth, and bounded", () => {
  const sum = emptyKnowledge();
  expect(Told.read(packed())!.addTo(MARK, sum)).toBeCloseTo(2);
  expect(sum.sizes[0]).toBeCloseTo(3.3);
  expect(sum.sizes[4]).toBe(0);
  expect(sum.curve[0]).toBeCloseTo(25.5);
  expect(sum.curve[2]).toBe(0);
});

test("evidence of several adds up; a server that was not told of is not known", () => {
  const sum = emptyKnowledge();
  Told.read(packed())!.addTo(MARK, sum);
  Told.read(packed(MARK, Number.NaN))!.addTo(MARK, sum);
  expect(sum.sizes[0]).toBeCloseTo(6.6);
  expect(Told.read(packed(MARK, Number.NaN))!.addTo(MARK, emptyKnowledge())).toBeNaN();
  expect(Told.read(packed())!.addTo(markOf("shop", "http://10.0.0.2:8001 10.0.0.2"), sum)).toBeNull();
});

test.each([
  ["nothing", new Uint8Array(0)],
  ["text", Buffer.from("what is this?")],
  ["another version's", packed().with(0, 2)],
  ["of other sizes", packed().with(1, 3)],
  ["cut off", packed().slice(0, -1)],
  ["too long", new Uint8Array(10_000_000).fill(1)],
])("bytes that are none of ours are refused: %s", (_, bytes) => {
  expect(Told.read(bytes)).toBeNull();
});

test("any bytes in the rows are numbers within bounds", () => {
  const sum = emptyKnowledge();
  const bytes = packed().fill(255, 11);
  const ratio = Told.read(bytes)!.addTo(MARK, sum)!;
  expect(ratio).toBeWithin(1 / 256, 257);
  for (const nats of [...sum.sizes, ...sum.curve]) expect(nats).toBeWithin(0, 25.6);
});

test("who knows nothing tells nothing, and no more is told than there is room for", () => {
  expect(saysSomething(emptyKnowledge())).toBe(false);
  const packer = new Packer();
  packer.begin(10);
  expect(packer.told).toHaveLength(0);
  const known = emptyKnowledge();
  known.ratio = 1;
  expect(saysSomething(known)).toBe(true);
  packer.begin(2 * MOST_ROWS);
  for (let i = 0; i < MOST_ROWS + 10; i++) packer.add(markOf("shop", String(i)), known);
  expect(Told.read(packer.told)!.addTo(markOf("shop", String(MOST_ROWS - 1)), known)).toBeCloseTo(1);
  expect(Told.read(packer.told)!.addTo(markOf("shop", String(MOST_ROWS)), known)).toBeNull();
});
