/** The table of streams is a map by number, and the spare ones are nobody's. */
import { expect, test } from "bun:test";
import { SpareStreams } from "../../../../src/proxy/http2/spare-streams.ts";
import { StreamTable } from "../../../../src/proxy/http2/stream-table.ts";
import { seededRandom } from "../../../fuzz/mutate.ts";

class Stream {
  readonly id: number;
  nextListed: Stream | null = null;

  constructor(id: number) {
    this.id = id;
  }
}

test("it has what a Map has, whatever comes and goes", () => {
  const random = seededRandom(5);
  const table = new StreamTable<Stream>();
  const map = new Map<number, Stream>();
  let nextId = 1;
  for (let round = 0; round < 20_000; round++) {
    // Now many, now none.
    const growing = Math.floor(round / 500) % 2 === 0;
    if (random(10) < (growing ? 7 : 3)) {
      const stream = new Stream(nextId);
      nextId += 2 * (1 + random(3));
      table.add(stream);
      map.set(stream.id, stream);
    } else {
      const ids = [...map.keys()];
      const id = ids.length > 0 && random(4) > 0 ? ids[random(ids.length)] : 1 + random(nextId);
      expect(table.delete(id)).toBe(map.delete(id));
    }
    const id = 1 + random(nextId);
    expect([table.size, table.get(id)]).toEqual([map.size, map.get(id) ?? null]);
    if (round % 50 === 0) expect(table.all().map((stream) => stream.id)).toEqual([...map.keys()]);
  }
  for (const stream of table.all()) table.delete(stream.id);
  expect([table.size, table.all(), map.size > 0]).toEqual([0, [], true]);
});

test("a stream that has left may go into another table", () => {
  const tables = [new StreamTable<Stream>(), new StreamTable<Stream>()];
  const [first, second] = [new Stream(1), new Stream(9)];
  for (const stream of [first, second]) tables[0].add(stream); // in one chain
  tables[0].delete(1);
  tables[1].add(first);
  expect(tables.map((table) => table.all())).toEqual([[second], [first]]);
  expect([first.nextListed, second.nextListed]).toEqual([null, null]);
});

test("spare streams are given out one by one, and not all are kept", () => {
  let made = 0;
  const spare = new SpareStreams(() => new Stream(made++));
  const taken = Array.from({ length: 300 }, () => spare.take());
  expect(new Set(taken).size).toBe(300);
  for (const stream of taken) spare.putAway(stream);
  const again = new Set(Array.from({ length: 300 }, () => spare.take()));
  expect([again.size, made]).toEqual([300, 344]);
});
