/** What the tests of header blocks share: fields as text, and blocks from text. */
import { type FieldRules, type FieldSink, HpackDecoder } from "../../../../../src/proxy/http2/hpack/decoder.ts";
import { STATIC_ENTRIES } from "../../../../../src/proxy/http2/hpack/static-table.ts";

/** Rules that have nothing to say of any field. */
export const NO_RULES: FieldRules = {
  ofName: () => 0,
  ofValue: () => 0,
  ofStatic: new Int32Array(STATIC_ENTRIES + 1),
};

/** Notes fields: `name: value`, and ` (never)` behind one that nobody is to keep. */
export class FieldList implements FieldSink {
  line: Buffer = Buffer.alloc(0);
  fields: string[] = [];

  room(bytes: number): number {
    // With bytes around it, so that nothing is read of what was there, and nothing written behind its end.
    this.line = Buffer.alloc(bytes + 3, 0xee);
    return 3;
  }

  literal(start: number, nameEnd: number, end: number, _mark: number, never: boolean): void {
    this.#add(this.line, start, nameEnd, end, never ? " (never)" : "");
  }

  indexed(table: Buffer, start: number, nameEnd: number, end: number): void {
    this.#add(table, start, nameEnd, end, "");
  }

  #add(buf: Buffer, start: number, nameEnd: number, end: number, suffix: string): void {
    const line = buf.toString("latin1", start, end);
    if (line.slice(nameEnd - start, nameEnd - start + 2) !== ": " || !line.endsWith("\r\n")) throw new Error(line);
    this.fields.push(line.slice(0, -2) + suffix);
  }
}

/** Reads the blocks, each in hexadecimal digits, one after the other. */
export function decodeAll(blocks: readonly string[], decoder = new HpackDecoder(NO_RULES)): string[][] {
  return blocks.map((digits) => {
    const list = new FieldList();
    const code = decode(digits, decoder, list);
    if (code !== 0) throw new Error(`${digits.slice(0, 100)} is refused with ${code}`);
    return list.fields;
  });
}

/** Reads one block, in the middle of a buffer. @returns the code. */
export function decode(
  digits: string,
  decoder = new HpackDecoder(NO_RULES),
  sink: FieldSink = new FieldList(),
): number {
  const block = Buffer.from(digits.replaceAll(" ", ""), "hex");
  const bytes = Buffer.concat([Buffer.from([0x82]), block, Buffer.from([0x82, 0x82])]);
  return decoder.decode(bytes, 1, 1 + block.length, sink);
}
