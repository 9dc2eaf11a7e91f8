/** Blocks that we write: read by our decoder, whose reading is held by other encoders' blocks. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { REQUEST_RULES } from "../../../../../src/proxy/http2/heads/field-rules.ts";
import { RequestReader } from "../../../../../src/proxy/http2/heads/request-reader.ts";
import { HpackDecoder } from "../../../../../src/proxy/http2/hpack/decoder.ts";
import { FIELD_OVERHEAD, HpackEncoder } from "../../../../../src/proxy/http2/hpack/encoder.ts";
import { RecurringLines } from "../../../../../src/proxy/http2/hpack/recurring-lines.ts";
import { SecretNames } from "../../../../../src/proxy/http2/hpack/secret-names.ts";
import { FieldList, NO_RULES } from "./support.ts";

/** A connection: an encoder, and a decoder that must read what it writes. */
class Connection {
  readonly encoder: HpackEncoder;
  readonly decoder = new HpackDecoder(NO_RULES);

  constructor(recurring = new RecurringLines(), secrets = new SecretNames(), compresses = true) {
    this.encoder = new HpackEncoder(recurring, secrets, compresses);
  }

  /**
   * Writes a block of these lines. @returns its digits.
   * @param options.never they are to be in no table. @param options.told that is said of them.
   */
  block(lines: readonly string[], { never = false, told = true, authority = "" } = {}): string {
    const { encoder } = this;
    const src = Buffer.from(`??${lines.map((line) => `${line}\r\n`).join("")}`, "latin1");
    const value = Buffer.from(authority, "latin1");
    const out = Buffer.alloc(src.length + value.length + (lines.length + 3) * FIELD_OVERHEAD, 0xee);
    let at = encoder.begin(out, 1);
    if (authority !== "") at = encoder.named(out, at, 1, value, 0, value.length);
    for (let start = 2; start < src.length; start = encoder.lineEnd) {
      const next = encoder.known(out, at, src, start, src.length);
      if (next >= 0) at = next;
      else {
        encoder.scan(src, start);
        at = encoder.put(out, at, src, never && told);
      }
    }
    expect(at).toBeLessThanOrEqual(out.length);
    const list = new FieldList();
    expect(this.decoder.decode(out, 1, at, list)).toBe(0);
    const expected = lines.map((line) => plainOf(line) + (never ? " (never)" : ""));
    expect(list.fields).toEqual(authority === "" ? expected : [`:authority: ${authority}`, ...expected]);
    return out.toString("hex", 1, at);
  }
}

/** The field of a line: its name in lower case, and no white space around its value. */
function plainOf(line: string): string {
  const colon = line.indexOf(":");
  return `${line.slice(0, colon).toLowerCase()}: ${line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")}`;
}

const HEAD = ["Server: nginx", "Date: Mon, 02 Nov 2026 10:00:00 GMT", "Content-Type: text/html", "X-Other: 1"];

test("what comes again takes a byte, and what comes once is in no table", () => {
  const connection = new Connection();
  connection.block(HEAD);
  expect(connection.decoder.tableSize).toBe(0);
  connection.block(HEAD);
  expect(connection.block(HEAD)).toBe("c1c0bfbe");
  const later = HEAD.with(1, "Date: Mon, 02 Nov 2026 10:00:01 GMT");
  connection.block(later);
  connection.block(later);
  expect(connection.block(later)).toBe("c2bec0bf");
  // In another order, and with others between them.
  expect(connection.block(["X-Other: 1", "Server: nginx"])).toBe("bfc2");
});

test("what another connection has sent is known to come again", () => {
  const recurring = new RecurringLines();
  new Connection(recurring).block(HEAD);
  const other = new Connection(recurring);
  other.block(HEAD);
  expect(other.block(HEAD)).toBe("c1c0bfbe");
});

test("a pseudo-field enters the table as others do, and is not taken for a line", () => {
  const connection = new Connection();
  const authority = "shop.example.com";
  for (let i = 0; i < 2; i++) connection.block(HEAD, { authority });
  expect(connection.block(HEAD, { authority })).toBe("c2c1c0bfbe");
  expect(connection.block([], { authority: "x".repeat(600) }).length).toBeGreaterThan(600);
});

test("what nobody is to keep is in no table", () => {
  const connection = new Connection();
  for (let i = 0; i < 4; i++) expect(connection.block(["Cookie: a=b"], { never: true })).toStartWith("1f11");
  expect(connection.decoder.tableSize).toBe(0);
});

test("nor is what came so: its name is remembered, whatever its letter case", () => {
  const secrets = new SecretNames();
  const reader = new RequestReader(secrets);
  const block = Buffer.from("82868441016110096170692d6b65792d310178", "hex");
  reader.begin(1000);
  expect(new HpackDecoder(REQUEST_RULES).decode(block, 0, block.length, reader)).toBe(0);
  const connection = new Connection(new RecurringLines(), secrets);
  for (let i = 0; i < 3; i++) connection.block(["Api-Key-1: secret"], { never: true, told: false });
  for (let i = 0; i < 3; i++) connection.block(["other: 1"]);
  expect(connection.decoder.tableSize).toBe("other".length + 1 + 32);
});

test("lines that are not written as a table has them are fields all the same", () => {
  const connection = new Connection();
  for (let i = 0; i < 4; i++)
    connection.block(["A:b", "A: \t b", "A: b \t", "A:", "A: ", "A:\t", `B: ${"\xff\x01\t\xe9".repeat(9)}`]);
  connection.block([`${"N".repeat(300)}: ${"\xff".repeat(20_000)}`, `N: ${"a".repeat(20_000)}`]);
  connection.block([`${"N".repeat(300)}: ${"\xff".repeat(20_000)}`, `N: ${"a".repeat(20_000)}`]);
});

describe("the peer's table", () => {
  test("of size 0 holds nothing, and that is said once", () => {
    const connection = new Connection();
    for (let i = 0; i < 3; i++) connection.block(HEAD);
    connection.encoder.limit(0);
    connection.decoder.announced(0);
    expect(connection.block(HEAD)).toStartWith("20");
    expect(connection.block(HEAD)).not.toStartWith("20");
    expect(connection.decoder.tableSize).toBe(0);
  });

  test("that shrank and grew between two blocks: the smallest size is said first", () => {
    const connection = new Connection();
    for (let i = 0; i < 3; i++) connection.block(HEAD);
    connection.encoder.limit(50);
    connection.encoder.limit(2000);
    connection.decoder.announced(50);
    connection.decoder.announced(2000);
    expect(connection.block(HEAD)).toStartWith("3f133fb10f");
  });

  test("that is larger than ours is used as far as ours goes", () => {
    const connection = new Connection();
    connection.encoder.limit(65_536);
    expect(connection.block(HEAD)).not.toStartWith("3f");
  });
});

const name = fc.constantFrom("a", "Content-Type", "x-long-name-of-a-field", "Date", "ETag");
const value = fc.oneof(
  fc.constantFrom("", "1", "a value", "x".repeat(300)),
  fc.string({ unit: fc.integer({ min: 0x21, max: 0xff }).map((byte) => String.fromCharCode(byte)), maxLength: 40 }),
);
const lines = fc.array(
  fc.tuple(name, value).map(([each, of]) => `${each}: ${of}`),
  { maxLength: 24 },
);

test("without Huffman's code a string is what it is", () => {
  const code = (compresses: boolean): string => {
    return new Connection(new RecurringLines(), new SecretNames(), compresses).block(["server: nginx"]);
  };
  expect(code(false)).toBe(`0f27${Buffer.from("\x05nginx").toString("hex")}`);
  expect(code(true).length).toBeLessThan(code(false).length);
});

test.each([true, false])(
  "whatever is written is read, over any number of blocks and sizes of the table (in code: %p)",
  (compresses) => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(lines, fc.option(fc.integer({ min: 0, max: 700 }))), { maxLength: 12 }),
        (blocks) => {
          const connection = new Connection(new RecurringLines(), new SecretNames(), compresses);
          for (const [each, size] of blocks) {
            if (size !== null) {
              connection.encoder.limit(size);
              connection.decoder.announced(size);
            }
            connection.block(each);
            connection.block(each);
          }
        },
      ),
    );
  },
);
