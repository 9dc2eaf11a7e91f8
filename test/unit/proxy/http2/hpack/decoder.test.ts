/** Header blocks: the examples of RFC 7541 appendix C, and every way in which a block is wrong. */
import { describe, expect, test } from "bun:test";
import { HpackDecoder } from "../../../../../src/proxy/http2/hpack/decoder.ts";
import { HpackError, hpackErrorMessage } from "../../../../../src/proxy/http2/hpack/hpack-error.ts";
import { decode, decodeAll, FieldList, NO_RULES } from "./support.ts";

function nameOf(code: number): string {
  return Object.entries(HpackError).find(([, each]) => each === code)?.[0] ?? `${code}`;
}

describe("examples of RFC 7541", () => {
  test("C.2.1 to C.2.4: representations", () => {
    expect(decodeAll(["400a637573746f6d2d6b65790d637573746f6d2d686561646572"])).toEqual([
      ["custom-key: custom-header"],
    ]);
    expect(decodeAll(["040c2f73616d706c652f70617468"])).toEqual([[":path: /sample/path"]]);
    expect(decodeAll(["100870617373776f726406736563726574"])).toEqual([["password: secret (never)"]]);
    expect(decodeAll(["82"])).toEqual([[":method: GET"]]);
  });

  const requests = [
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
  ];
  test.each([
    [
      "C.3: requests without Huffman code",
      [
        "828684410f7777772e6578616d706c652e636f6d",
        "828684be58086e6f2d6361636865",
        "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
      ],
    ],
    [
      "C.4: requests with it",
      [
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
      ],
    ],
  ])("%s", (_, blocks) => {
    const decoder = new HpackDecoder(NO_RULES);
    expect(decodeAll(blocks, decoder)).toEqual(requests);
    expect(decoder.tableSize).toBe(164);
  });

  const date = "date: Mon, 21 Oct 2013 20:13:2";
  const responses = [
    [":status: 302", "cache-control: private", `${date}1 GMT`, "location: https://www.example.com"],
    [":status: 307", "cache-control: private", `${date}1 GMT`, "location: https://www.example.com"],
    [
      ":status: 200",
      "cache-control: private",
      `${date}2 GMT`,
      "location: https://www.example.com",
      "content-encoding: gzip",
      "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
  ];
  test.each([
    [
      "C.5: responses without Huffman code",
      [
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
      ],
    ],
    [
      "C.6: responses with it",
      [
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
      ],
    ],
  ])("%s: entries are evicted from a table of 256 bytes", (_, blocks) => {
    const decoder = new HpackDecoder(NO_RULES);
    decoder.announced(256);
    expect(decodeAll([`3fe101${blocks[0]}`, ...blocks.slice(1)], decoder)).toEqual(responses);
    expect(decoder.tableSize).toBe(215);
  });
});

describe("refused", () => {
  const huge = "ffffffff7f";
  test.each([
    ["index 0", "80", "INVALID_INDEX"],
    ["an index behind the table", "be", "INVALID_INDEX"],
    ["an index far behind it", "ffffff03", "INVALID_INDEX"],
    ["a name behind the table", "7e 01 61", "INVALID_INDEX"],
    ["a name behind the table that does not enter", "0f 2f 01 61", "INVALID_INDEX"],
    ["an index that breaks off", "ff", "TRUNCATED"],
    ["an index that breaks off later", "ff 80 80", "TRUNCATED"],
    ["an index of too many bytes", `ff ${huge}`, "INTEGER_TOO_LARGE"],
    ["an index of zeros without end", "ff 80 80 80 80 00", "INTEGER_TOO_LARGE"],
    ["a literal without a name", "40", "TRUNCATED"],
    ["a name that breaks off", "40 02 61", "TRUNCATED"],
    ["a literal without a value", "40 01 61", "TRUNCATED"],
    ["a value that breaks off", "40 01 61 02 62", "TRUNCATED"],
    ["a length that breaks off", "40 01 61 7f", "TRUNCATED"],
    ["a length of too many bytes", `40 01 61 7f ${huge}`, "INTEGER_TOO_LARGE"],
    ["a name of too many bytes", `00 7f ${huge}`, "INTEGER_TOO_LARGE"],
    ["a value with an indexed name that breaks off", "41 8c f1 e3", "TRUNCATED"],
    ["padding of zeros", "41 81 00", "INVALID_HUFFMAN"],
    ["padding of zeros behind a byte", "41 82 1f f8", "INVALID_HUFFMAN"],
    ["padding of a byte", "41 82 1f ff", "INVALID_HUFFMAN"],
    ["padding alone, of a byte", "41 81 ff", "INVALID_HUFFMAN"],
    ["the code for the end of a string", "41 84 ff ff ff ff", "INVALID_HUFFMAN"],
    ["the code for the end of a string, in a name", "40 84 ff ff ff ff 01 61", "INVALID_HUFFMAN"],
    ["the code for the end of a string, behind a byte", "41 85 1f ff ff ff ff", "INVALID_HUFFMAN"],
    ["a long code that breaks off", "41 82 ff fe", "INVALID_HUFFMAN"],
    ["a size update behind a field", "82 20", "LATE_SIZE_UPDATE"],
    ["a size update between fields", "82 3f e1 1f 82", "LATE_SIZE_UPDATE"],
    ["a size above what was announced", "3f e2 1f", "SIZE_UPDATE_TOO_LARGE"],
    ["a size that breaks off", "3f", "TRUNCATED"],
    ["a size of too many bytes", `3f ${huge}`, "INTEGER_TOO_LARGE"],
  ])("%s", (_, digits, name) => {
    expect(nameOf(decode(digits))).toBe(name);
  });

  test("every code has a sentence of its own", () => {
    const messages = Object.values(HpackError).map(hpackErrorMessage);
    expect(new Set(messages).size).toBe(messages.length);
    for (const message of messages) expect(message).toMatch(/^(a|the) [a-z]/);
  });
});

describe("the size of the table", () => {
  test("may be changed twice at the beginning of a block, and no entries are left of none", () => {
    const decoder = new HpackDecoder(NO_RULES);
    decodeAll(["40 01 61 01 62"], decoder);
    expect(decoder.tableSize).toBe(34);
    expect(decodeAll(["20 3f e1 1f 40 01 63 01 64", "be"], decoder)).toEqual([["c: d"], ["c: d"]]);
    expect(nameOf(decode("bf", decoder))).toBe("INVALID_INDEX");
  });

  test("has to be lowered by the first block after it was announced", () => {
    const decoder = new HpackDecoder(NO_RULES);
    decoder.announced(100);
    expect(nameOf(decode("82", decoder))).toBe("MISSING_SIZE_UPDATE");
    const other = new HpackDecoder(NO_RULES);
    other.announced(100);
    expect(decodeAll(["3f 45 82", "82"], other)).toEqual([[":method: GET"], [":method: GET"]]);
    expect(nameOf(decode("3f 46", other))).toBe("SIZE_UPDATE_TOO_LARGE");
  });

  test("may stay where it is when more was announced, and may be raised", () => {
    const decoder = new HpackDecoder(NO_RULES);
    decoder.announced(8192);
    expect(decodeAll(["82", "3f e1 3f 82"], decoder)).toEqual([[":method: GET"], [":method: GET"]]);
  });

  test("may be lowered by the peer alone", () => {
    const decoder = new HpackDecoder(NO_RULES);
    decodeAll(["40 01 61 01 62 40 01 63 01 64", "3f 03 be"], decoder);
    expect(decoder.tableSize).toBe(34);
    expect(nameOf(decode("bf", decoder))).toBe("INVALID_INDEX");
  });

  test("an entry larger than the table empties it, and is a field all the same", () => {
    const decoder = new HpackDecoder(NO_RULES);
    const long = "62".repeat(40);
    expect(decodeAll(["3f 21 40 01 61 01 62", `40 01 63 28 ${long}`], decoder)[1]).toEqual([`c: ${"b".repeat(40)}`]);
    expect(decoder.tableSize).toBe(0);
  });
});

test("a name of the table may belong to an entry that makes room for the new one", () => {
  const decoder = new HpackDecoder(NO_RULES);
  const value = "63".repeat(20);
  // A table of 64 bytes: name and value of 30 and of 32 have room in it alone.
  expect(
    decodeAll(["3f 21", `40 0a ${"61".repeat(10)} 14 ${value}`, `7e 14 ${"64".repeat(20)}`, "be"], decoder),
  ).toEqual([
    [],
    [`${"a".repeat(10)}: ${"c".repeat(20)}`],
    [`${"a".repeat(10)}: ${"d".repeat(20)}`],
    [`${"a".repeat(10)}: ${"d".repeat(20)}`],
  ]);
});

test("fields that nobody takes go by, and the table is right all the same", () => {
  const decoder = new HpackDecoder(NO_RULES);
  const memory = Buffer.alloc(8192);
  const deaf = { line: memory, room: () => 0, literal: () => undefined, indexed: () => undefined };
  expect(decode("40 01 61 01 62 40 01 63 01 64 be bf", decoder, deaf)).toBe(0);
  expect(decodeAll(["be bf"], decoder)).toEqual([["c: d", "a: b"]]);
});

test("a block of references costs no more than its bytes: nothing is kept of a field but what the sink keeps", () => {
  const decoder = new HpackDecoder(NO_RULES);
  decodeAll([`40 01 61 7f a1 1e ${"62".repeat(4000)}`], decoder);
  let bytes = 0;
  const counting = new FieldList();
  counting.indexed = (_table, start, _nameEnd, end) => {
    bytes += end - start;
  };
  expect(decode("be".repeat(16_000), decoder, counting)).toBe(0);
  expect(bytes).toBe(16_000 * 4005);
});
