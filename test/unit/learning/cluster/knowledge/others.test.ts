import { expect, test } from "bun:test";
import { OthersKnowledge } from "../../../../../src/learning/cluster/knowledge/others.ts";
import { emptyKnowledge, markOf, Packer } from "../../../../../src/learning/cluster/knowledge/packed.ts";

const MARK = markOf("shop", "a");

function told(nats: number, ratio: number): Uint8Array {
  const packer = new Packer();
  const known = emptyKnowledge();
  known.sizes.fill(nats);
  known.sizes[3] = 0;
  known.ratio = ratio;
  packer.begin(10);
  packer.add(MARK, known);
  return packer.told.slice();
}

const ids = Array.from({ length: 100 }, (_, i) => i.toString(16).padStart(16, "0"));

test("what several know is put together, each once, however often it is told", () => {
  const others = new OthersKnowledge();
  for (let i = 0; i < 5; i++) others.hear({ id: ids[0], ageMs: 0, bytes: told(2, 4) }, 1000);
  others.hear({ id: ids[1], ageMs: 0, bytes: told(1, 1) }, 1000);
  const { instances, known } = others.of(MARK);
  expect(instances).toBe(2);
  expect(known.sizes[0]).toBeCloseTo(3);
  expect(known.ratio).toBeCloseTo(2);
  expect(others.of(markOf("shop", "b")).instances).toBe(0);
});

test("it is believed for ten seconds from when it was told, however late it is heard", () => {
  const others = new OthersKnowledge();
  others.hear({ id: ids[0], ageMs: 9_000, bytes: told(2, 4) }, 50_000);
  others.expire(50_900);
  expect(others.instances).toBe(1);
  others.expire(51_000);
  expect(others.of(MARK).instances).toBe(0);
});

test("rubbish is counted and changes nothing, and instances without end are not kept", () => {
  const others = new OthersKnowledge();
  others.hear({ id: ids[0], ageMs: 0, bytes: told(2, 4) }, 0);
  others.hear({ id: ids[0], ageMs: 0, bytes: Buffer.from("rubbish") }, 0);
  expect(others.refused).toBe(1);
  expect(others.of(MARK).instances).toBe(1);
  for (const id of ids) others.hear({ id, ageMs: 0, bytes: told(1, 1) }, 0);
  expect(others.instances).toBe(64);
});
