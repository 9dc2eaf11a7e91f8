/** The dynamic table against a plain one: a list of strings. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { EntryPart, LineTable } from "../../../../../src/proxy/http2/hpack/line-table.ts";

interface Plain {
  readonly name: string;
  readonly value: string;
  readonly mark: number;
}

function sizeOf({ name, value }: Plain): number {
  return name.length + value.length + 32;
}

function entriesOf(table: LineTable): Plain[] {
  return Array.from({ length: table.count }, (_, i) => {
    const at = table.at(i + 1);
    const [start, nameEnd, end, mark] = table.entries.subarray(at, at + 4);
    expect(table.entries[at + EntryPart.END]).toBe(end);
    const line = table.bytes.toString("latin1", start, end);
    expect(line.slice(nameEnd - start, nameEnd - start + 2)).toBe(": ");
    expect(line.slice(-2)).toBe("\r\n");
    return { name: line.slice(0, nameEnd - start), value: line.slice(nameEnd - start + 2, -2), mark };
  });
}

const text = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength });
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ name: text(12), value: text(90) }) },
  { weight: 1, arbitrary: fc.record({ name: text(4), value: text(900) }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 1200 }) },
);

test("it is a list of the last entries that have room, whatever comes", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const table = new LineTable(600);
      let expected: Plain[] = [];
      let maxSize = 600;
      let mark = 0;
      for (const each of steps) {
        if (typeof each === "number") {
          maxSize = each;
          table.resize(each);
        } else {
          const entry = { ...each, mark: ++mark };
          const line = Buffer.from(`??${entry.name}: ${entry.value}\r\n??`);
          const fits = table.insert(line, 2, 2 + entry.name.length, line.length - 2, mark);
          expect(fits).toBe(sizeOf(entry) <= maxSize);
          expected = fits ? [entry, ...expected] : [];
        }
        const total = () => expected.reduce((sum, entry) => sum + sizeOf(entry), 0);
        while (total() > maxSize) expected.pop();
        expect(entriesOf(table)).toEqual(expected);
        expect(table.size).toBe(total());
      }
    }),
  );
});

test("it takes no memory before its first entry, little for few, and gives all back at size 0", () => {
  const table = new LineTable(4096);
  expect([table.bytes.length, table.entries.length]).toEqual([0, 0]);
  const line = Buffer.from("name: value\r\n");
  table.insert(line, 0, 4, line.length, 0);
  expect(table.bytes.length + table.entries.byteLength).toBeLessThan(1024);
  for (let i = 0; i < 10_000; i++) table.insert(line, 0, 4, line.length, 0);
  expect(table.count).toBe(Math.floor(4096 / 41));
  expect(table.bytes.length).toBeLessThanOrEqual(8192);
  expect(table.entries.length).toBe(128 * 4);
  table.resize(0);
  expect([table.bytes.length, table.entries.length, table.size]).toEqual([0, 0, 0]);
});

test("neighbours lie one behind the other, so that they are copied together", () => {
  const table = new LineTable(4096);
  for (let i = 0; i < 500; i++) {
    const line = Buffer.from(`name: ${i}\r\n`);
    table.insert(line, 0, 4, line.length, 0);
    for (let index = 2; index <= table.count; index++) {
      expect(table.entries[table.at(index) + EntryPart.END]).toBe(table.entries[table.at(index - 1)]);
    }
  }
});
