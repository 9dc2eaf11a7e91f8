/** What the tests of heads share: blocks from fields, and heads as text. */
import { ParseError } from "../../../../../src/proxy/http1/parse-error.ts";
import { REQUEST_RULES, RESPONSE_RULES } from "../../../../../src/proxy/http2/heads/field-rules.ts";
import { RequestReader } from "../../../../../src/proxy/http2/heads/request-reader.ts";
import { ResponseReader } from "../../../../../src/proxy/http2/heads/response-reader.ts";
import { HpackDecoder } from "../../../../../src/proxy/http2/hpack/decoder.ts";
import { writeInteger } from "../../../../../src/proxy/http2/hpack/integers.ts";

/** A field: name and value, one byte per character. */
export type Field = readonly [name: string, value: string];

export const GET: readonly Field[] = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/"],
  [":authority", "a.example"],
];

/** A block of literals, without Huffman code. @param entering they enter the table. */
export function blockOf(fields: readonly Field[], entering = false): Buffer {
  const parts: Buffer[] = [];
  for (const field of fields) {
    parts.push(Buffer.from([entering ? 0x40 : 0]));
    for (const text of field) {
      const length = Buffer.alloc(6);
      parts.push(length.subarray(0, writeInteger(length, 0, text.length, 0x7f, 0)), Buffer.from(text, "latin1"));
    }
  }
  return Buffer.concat(parts);
}

/** Name of a code, or the code as it is. */
export function nameOf(code: number): string {
  return Object.entries(ParseError).find(([, each]) => each === code)?.[0] ?? `${code}`;
}

export interface RequestOptions {
  readonly endStream?: boolean;
  readonly key?: string | null;
  readonly maxBytes?: number;
}

/** A connection of a client: what heads become of its blocks. */
export class Requests {
  readonly reader = new RequestReader();
  readonly decoder = new HpackDecoder(REQUEST_RULES);

  /** @returns the head as text, or the name of the code. */
  read(block: Buffer, { endStream = true, key = null, maxBytes = 65_536 }: RequestOptions = {}): string {
    const { reader, decoder } = this;
    reader.begin(maxBytes);
    if (decoder.decode(block, 0, block.length, reader) !== 0) throw new Error("no block");
    const length = reader.finish(endStream, key === null ? null : Buffer.from(key));
    return length < 0 ? nameOf(length) : written(reader, length);
  }
}

/** One request on a connection of its own. */
export function request(fields: readonly Field[], options?: RequestOptions): string {
  return new Requests().read(blockOf(fields), options);
}

export interface ResponseOptions {
  readonly endStream?: boolean;
  readonly hasBody?: boolean;
  readonly switchLines?: string | null;
}

/** One response on a connection of its own. */
export function response(
  fields: readonly Field[],
  { endStream = false, hasBody = true, switchLines = null }: ResponseOptions = {},
): string {
  const reader = new ResponseReader();
  const block = blockOf(fields);
  reader.begin(65_536);
  if (new HpackDecoder(RESPONSE_RULES).decode(block, 0, block.length, reader) !== 0) throw new Error("no block");
  const length = reader.finish(endStream, hasBody, switchLines === null ? null : Buffer.from(switchLines));
  return length < 0 ? nameOf(length) : written(reader, length);
}

/** Has the head written where there is room for it, and no more. */
function written(reader: RequestReader | ResponseReader, length: number): string {
  const out = Buffer.alloc(length + 2, "?");
  if (reader.write(out, 1) !== length + 1) throw new Error("another length than was said");
  if (out[0] !== 63 || out[length + 1] !== 63) throw new Error("written elsewhere");
  return out.toString("latin1", 1, length + 1);
}

/** Lines as they are in a head. */
export function head(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}
