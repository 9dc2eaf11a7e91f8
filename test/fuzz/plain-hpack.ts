/**
 * HPACK as RFC 7541 says it, in strings and lists, without a thought of speed: what the decoder of the product is compared with.
 * It shares nothing with that but the tables of the appendices, which other encoders' blocks prove.
 */
import { CODE_BITS, CODES } from "../../src/proxy/http2/hpack/huffman-codes.ts";
import { STATIC_BYTES } from "../../src/proxy/http2/hpack/static-table.ts";

type Field = readonly [name: string, value: string];

const STATIC: readonly Field[] = STATIC_BYTES.toString("latin1")
  .split("\r\n")
  .slice(0, -1)
  .map((line) => {
    const colon = line.indexOf(": ");
    return [line.slice(0, colon), line.slice(colon + 2)];
  });
const BYTES = new Map(
  Array.from({ length: 256 }, (_, byte) => [
    CODES[byte].toString(2).padStart(CODE_BITS[byte], "0"),
    String.fromCharCode(byte),
  ]),
);
const LONGEST_CODE = 30;
/** Groups of an integer behind its prefix that are read at most: a bound that an implementation sets (section 5.1). */
const MAX_GROUPS = 4;

class Refusal extends Error {}

/** A connection's reading side. */
export class PlainHpack {
  #table: Field[] = [];
  #maxSize = 4096;
  #announced = 4096;
  #due = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  announced(size: number): void {
    this.#announced = size;
    if (size < this.#maxSize) this.#due = true;
  }

  get tableSize(): number {
    return this.#table.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
  }

  /** @returns the fields as `name: value`; null = the block is wrong. */
  decode(block: Uint8Array): string[] | null {
    this.#bytes = block;
    this.#at = 0;
    const fields: Field[] = [];
    try {
      let updates = true;
      while (this.#at < block.length) {
        const byte = block[this.#at];
        if ((byte & 0xe0) === 0x20) {
          if (!updates) throw new Refusal("late");
          const size = this.#integer(5);
          if (size > this.#announced) throw new Refusal("size");
          this.#maxSize = size;
          this.#due = false;
          this.#evict(size);
          continue;
        }
        if (this.#due) throw new Refusal("due");
        updates = false;
        if (byte >= 0x80) fields.push(this.#entry(this.#integer(7)));
        else if (byte >= 0x40) {
          const field = this.#literal(6);
          fields.push(field);
          const size = field[0].length + field[1].length + 32;
          this.#evict(Math.max(0, this.#maxSize - size));
          if (size <= this.#maxSize) this.#table.unshift(field);
        } else fields.push(this.#literal(4));
      }
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
    return fields.map(([name, value]) => `${name}: ${value}`);
  }

  #evict(toSize: number): void {
    while (this.tableSize > toSize) this.#table.pop();
  }

  #entry(index: number): Field {
    const field = [...STATIC, ...this.#table][index - 1];
    if (field === undefined) throw new Refusal("index");
    return field;
  }

  #literal(prefixBits: number): Field {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    return [name, this.#string()];
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw new Refusal("end");
    return this.#bytes[this.#at++];
  }

  #integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#byte() % 2 ** prefixBits;
    if (value < most) return value;
    for (let group = 0; group < MAX_GROUPS; group++) {
      const byte = this.#byte();
      value += (byte % 128) * 128 ** group;
      if (byte < 128) return value;
    }
    throw new Refusal("integer");
  }

  #string(): string {
    const coded = this.#at < this.#bytes.length && this.#bytes[this.#at] >= 0x80;
    const length = this.#integer(7);
    if (length > this.#bytes.length - this.#at) throw new Refusal("end");
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return coded ? decoded(bytes) : Buffer.from(bytes).toString("latin1");
  }
}

function decoded(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let text = "";
  let code = "";
  for (const bit of bits) {
    code += bit;
    const character = BYTES.get(code);
    if (character !== undefined) {
      text += character;
      code = "";
    } else if (code.length === LONGEST_CODE) throw new Refusal("code");
  }
  if (code.length > 7 || code.includes("0")) throw new Refusal("padding");
  return text;
}
