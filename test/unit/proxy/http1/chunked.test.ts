import { describe, expect, test } from "bun:test";
import { ChunkedParser } from "../../../../src/proxy/http1/chunked.ts";
import { ParseError } from "../../../../src/proxy/http1/parse-error.ts";
import { bytesOf, nameOf, textOf } from "./support.ts";

/** Consumes in packets of `size` bytes. @returns the parser and the offset or code it ended with. */
function consume(text: string, size = text.length, parser = new ChunkedParser()) {
  const bytes = bytesOf(text);
  let at = 0;
  while (at < bytes.length && !parser.done) {
    const end = Math.min(bytes.length, at + size);
    const next = parser.consume(bytes, at, end);
    if (next < 0) return { parser, result: next };
    if (!parser.done) expect(next).toBe(end);
    at = next;
  }
  return { parser, result: at };
}

function decode(text: string, size: number, parser = new ChunkedParser()): string {
  let out = "";
  for (let at = 0; at < text.length && !parser.done; at += size) {
    const packet = bytesOf(`??${text.slice(at, at + size)}`);
    const next = parser.decode(packet, 2, packet.length);
    expect(next).toBeGreaterThan(1);
    out += textOf(packet, 2, parser.decodedEnd);
    expect(textOf(packet, next)).toBe(parser.done ? text.slice(at + next - 2, at + size) : "");
  }
  expect(parser.done).toBe(true);
  return out;
}

describe("accepted", () => {
  test.each([
    ["0\r\n\r\n", ""],
    ["5\r\nhello\r\n0\r\n\r\n", "hello"],
    ["A\r\n0123456789\r\n00\r\n\r\n", "0123456789"],
    ["a\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n", "0123456789\n"],
    ["0000000000001\r\nx\r\n0000000000000\r\n\r\n", "x"],
    ["3\r\n\r\n0\r\n0\r\n\r\n", "\r\n0"],
    ["1;a\r\nx\r\n0;b\r\n\r\n", "x"],
    ['1;a=b;c="d;\\"";e\r\nx\r\n0\r\n\r\n', "x"],
    ['1;a="";b="\t \xff"\r\nx\r\n0\r\n\r\n', "x"],
    ["0\r\nX-Sum: 1\r\nY:\r\nZ: \t a \t\r\n\r\n", ""],
  ])("%j", (text, body) => {
    for (const size of [1, 2, 3, 7, text.length]) {
      const { parser, result } = consume(`${text}NEXT`, size);
      expect(nameOf(result)).toBe(`offset ${text.length}`);
      expect(parser.done).toBe(true);
      expect(parser.bodyBytes).toBe(body.length);
      expect(decode(`${text}NEXT`, size)).toBe(body);
    }
  });

  test("an unfinished body takes every byte and is not done", () => {
    const text = "5\r\nhello\r\n0\r\nX: y\r\n\r\n";
    for (let end = 0; end < text.length; end++) {
      const { parser, result } = consume(text.slice(0, end));
      expect(result).toBe(end);
      expect(parser.done).toBe(false);
    }
  });

  test("the largest size is exact and its data is waited for", () => {
    const { parser, result } = consume("fffffffffffff\r\nabc");
    expect(result).toBe(18);
    expect(parser.bodyBytes).toBe(3);
  });

  test("one parser serves many bodies", () => {
    const parser = new ChunkedParser();
    consume("5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", 100, parser);
    parser.reset();
    expect([parser.done, parser.bodyBytes]).toEqual([false, 0]);
    consume("5;a=b\r\nhel", 100, parser);
    parser.reset();
    expect(consume("1\r\nx\r\n0\r\n\r\n", 100, parser).parser.done).toBe(true);
  });
});

describe("of servers", () => {
  /** What is passed on, in packets of `size` bytes; or the name of the code it ended with. */
  function repair(text: string, size: number): string {
    const parser = new ChunkedParser(true);
    let out = "";
    for (let at = 0; at < text.length && !parser.done; at += size) {
      const packet = bytesOf(`??${text.slice(at, at + size)}`);
      const stop = parser.repair(packet, 2, packet.length);
      if (stop < 0) return nameOf(stop);
      out += parser.repaired === null ? textOf(packet, 2, parser.rawEnd) : textOf(parser.repaired);
      expect(textOf(packet, stop)).toBe(parser.done ? text.slice(at + stop - 2, at + size) : "");
    }
    return out;
  }
  const long = "x".repeat(40);
  const forwarded = `X-Forwarded-${"y".repeat(30)}`;

  test.each([
    ["as it should be", '1;a=b;c="d;\\""\r\nx\r\n0\r\nX: y\r\n\r\n', '1;a=b;c="d;\\""\r\nx\r\n0\r\nX: y\r\n\r\n'],
    ["spaces behind a size", "1  \r\nx\r\n0 \t\r\n\r\n", "1\r\nx\r\n0\r\n\r\n"],
    ["spaces before an extension", "1 ; a = b\r\nx\r\n0\r\n\r\n", "1\r\nx\r\n0\r\n\r\n"],
    ["spaces in an extension", "1;a = b\r\nx\r\n0\r\n\r\n", "1;a\r\nx\r\n0\r\n\r\n"],
    ["an extension without a name", "1;\r\nx\r\n0\r\n\r\n", "1;_\r\nx\r\n0\r\n\r\n"],
    ["an extension without a value", "1;a=\r\nx\r\n0\r\n\r\n", '1;a=""\r\nx\r\n0\r\n\r\n'],
    ["an extension that breaks off", '1;a="b\r\nx\r\n0\r\n\r\n', '1;a="b"\r\nx\r\n0\r\n\r\n'],
    ["an escape that breaks off", '1;a="b\\\r\nx\r\n0\r\n\r\n', '1;a="b\\\\""\r\nx\r\n0\r\n\r\n'.replace('""', '"')],
    ["a control character in an extension", "1;a\x01b\r\nx\r\n0\r\n\r\n", "1;a\r\nx\r\n0\r\n\r\n"],
    ["line feeds alone", "1\nx\n1;a\ny\n0\nX: y\n\n", "1\r\nx\r\n1;a\r\ny\r\n0\r\nX: y\r\n\r\n"],
    ["line feeds in the data", "2\n\n\n\n0\n\n", "2\r\n\n\n\r\n0\r\n\r\n"],
    ["many zeros", `${"0".repeat(40)}1\r\nx\r\n0\r\n\r\n`, `${"0".repeat(40)}1\r\nx\r\n0\r\n\r\n`],
    [
      "trailers that frame",
      `0\r\nA: 1\r\nContent-Length: 5\r\nB: 2\r\ntransfer-encoding: x\n${long}: 3\r\nHost:\r\n\r\n`,
      `0\r\nA: 1\r\nB: 2\r\n${long}: 3\r\n\r\n`,
    ],
    ["a control character in a trailer", "0\r\nA: \x01\r\n\r\n", "0\r\nA: \x01\r\n\r\n"],
    ["a long name of the client's", `0\r\n${forwarded}: 1\r\nB: 2\r\n\r\n`, `0\r\n${forwarded}: 1\r\nB: 2\r\n\r\n`],
  ])("%s: passed on as it should have been", (_, text, expected) => {
    for (const size of [1, 2, 3, 5, 7, 11, text.length + 4]) {
      expect(repair(`${text}NEXT`, size)).toBe(expected);
    }
    const strict = consume(expected.replaceAll("\x01", "y").replace(/^0{13,}/, ""));
    expect(strict.parser.done).toBe(true);
  });

  test.each([
    ["no number", "1 x\r\n", "INVALID_CHUNK_SIZE"],
    ["prefix 0x", "0x1\r\n", "INVALID_CHUNK_SIZE"],
    ["space before the size", " 1\r\n", "INVALID_CHUNK_SIZE"],
    ["2^64", "10000000000000000\r\n", "CHUNK_SIZE_TOO_LONG"],
    ["zeros without end", "0".repeat(65), "CHUNK_SIZE_TOO_LONG"],
    ["data longer than its size", "1\r\nxy\r\n", "INVALID_CHUNK_END"],
    ["CR CR LF", "1\r\r\n", "BARE_CR"],
    ["spaces without end", `1${" ".repeat(16_390)}`, "CHUNK_EXTENSION_TOO_LARGE"],
    ["a trailer without colon", "0\r\nX\r\n", "INVALID_FIELD_NAME"],
    ["a folded trailer", "0\r\nX: a\r\n b\r\n", "OBS_FOLD"],
    ["NUL in a trailer", "0\r\nX: \0\r\n", "INVALID_FIELD_VALUE"],
    ["a bare CR in a trailer that is left out", "0\r\nHost: a\rb\r\n", "BARE_CR"],
    ["trailers too large", `0\r\nX: ${"a".repeat(32_768)}\r\n`, "TRAILER_TOO_LARGE"],
  ])("%s is refused all the same", (_, text, code) => {
    for (const size of [1, 3, text.length]) expect(repair(text, size)).toBe(code);
  });

  test("decoded, for whoever knows no chunks", () => {
    for (const size of [1, 2, 3, 50]) {
      expect(decode("1 ; a\nx\n2\r\nyz\r\n0\nContent-Length: 4\n\n", size, new ChunkedParser(true))).toBe("xyz");
    }
  });
});

describe("trailers of a body that is decoded", () => {
  const NAME_32 = "N".repeat(32);
  const NAME_33 = "N".repeat(33);
  const decoded = (text: string, size: number, parser: ChunkedParser) => {
    decode(text, size, parser);
    return parser.trailers?.toString("latin1") ?? null;
  };

  test.each([
    ["0\r\n\r\n", null],
    ["1;a=b\r\nx\r\n0;c\r\n\r\n", null],
    ["1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n", "X-Sum: 1\r\n"],
    ["0\r\nX-Sum: 1\r\nY:\r\nZ: \t a \xff\t\r\n\r\n", "X-Sum: 1\r\nY:\r\nZ: \t a \xff\t\r\n"],
    [`0\r\n${NAME_32}: 1\r\n${NAME_33}: 2\r\n\r\n`, `${NAME_32}: 1\r\n${NAME_33}: 2\r\n`],
  ])("%j", (text, trailers) => {
    for (const lax of [false, true]) {
      for (const size of [1, 2, 3, 7, 40, 100]) {
        expect(decoded(`${text}NEXT`, size, new ChunkedParser(lax))).toBe(trailers);
      }
    }
  });

  test.each([
    ["0\nX: 1\nY: 2\r\n\n", "X: 1\r\nY: 2\r\n"],
    ["1 ; a\nx\r\n0 \nX: \x01\n\n", "X: \x01\r\n"],
    ["0\r\nContent-Length: 4\r\nX: 1\r\nSet-Cookie: a\nY: 2\r\nHost: b\r\n\r\n", "X: 1\r\nY: 2\r\n"],
    ["0\r\nTE: trailers\r\n\r\n", null],
  ])("of servers, as they should have been sent: %j", (text, trailers) => {
    for (const size of [1, 2, 3, 7, 100]) expect(decoded(text, size, new ChunkedParser(true))).toBe(trailers);
  });

  test("there are none of a body before, nor of one that broke off", () => {
    const parser = new ChunkedParser(true);
    expect(decoded("0\r\nX: 1\r\n\r\n", 4, parser)).toBe("X: 1\r\n");
    parser.reset();
    expect(parser.trailers).toBeNull();
    parser.decode(bytesOf("0\r\nX: 1\r\nY: "), 0, 12);
    parser.reset();
    expect(decoded("0\r\nZ: 3\r\n\r\n", 4, parser)).toBe("Z: 3\r\n");
    parser.reset();
    expect(parser.decode(bytesOf("0\r\nX: \0\r\n"), 0, 9)).toBe(ParseError.INVALID_FIELD_VALUE);
    parser.reset();
    expect(decoded("0\r\n\r\n", 4, parser)).toBeNull();
  });

  test("they are bounded, in bytes and in number", () => {
    for (const [lax, bytes, fields] of [
      [false, 8192, 64],
      [true, 32_768, 128],
    ] as const) {
      const longest = `X:${"a".repeat(bytes - 4)}\r\n`;
      expect(decoded(`0\r\n${longest}\r\n`, 1000, new ChunkedParser(lax))).toBe(longest);
      const most = "X: a\r\n".repeat(fields);
      expect(decoded(`0\r\n${most}\r\n`, 7, new ChunkedParser(lax))).toBe(most);
      for (const text of [`0\r\nX:${"a".repeat(bytes)}`, `0\r\n${most}X`]) {
        const parser = new ChunkedParser(lax);
        expect(parser.decode(bytesOf(text), 0, text.length)).toBe(ParseError.TRAILER_TOO_LARGE);
        expect(parser.trailers).toBeNull();
      }
    }
  });
});

describe("refused", () => {
  const quoted = (length: number) => `;a="${"x".repeat(length)}"`;
  const cases: readonly (readonly [name: string, text: string, code: keyof typeof ParseError])[] = [
    ["no size", "\r\nx", "INVALID_CHUNK_SIZE"],
    ["extension without size", ";a\r\nx", "INVALID_CHUNK_SIZE"],
    ["not hexadecimal", "g\r\n", "INVALID_CHUNK_SIZE"],
    ["prefix 0x", "0x5\r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["plus sign", "+5\r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["minus sign", "-5\r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["underscore", "1_0\r\n", "INVALID_CHUNK_SIZE"],
    ["space before", " 5\r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["space after", "5 \r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["tab after", "5\t\r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["space before an extension", "5 ;a\r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["NUL after", "5\0\r\nhello\r\n", "INVALID_CHUNK_SIZE"],
    ["14 digits", "00000000000005\r\nhello\r\n", "CHUNK_SIZE_TOO_LONG"],
    ["2^64 + 5", "10000000000000005\r\nhello\r\n", "CHUNK_SIZE_TOO_LONG"],
    ["size with bare LF", "5\nhello\r\n", "BARE_LF"],
    ["size with bare CR", "5\rhello\r\n", "BARE_CR"],
    ["size with CR CR LF", "5\r\r\nhello\r\n", "BARE_CR"],
    ["LF alone", "\nx", "BARE_LF"],
    ["data longer than its size", "5\r\nhello!\r\n0\r\n\r\n", "INVALID_CHUNK_END"],
    ["data without line end", "5\r\nhello0\r\n\r\n", "INVALID_CHUNK_END"],
    ["data with bare LF", "5\r\nhello\n0\r\n\r\n", "BARE_LF"],
    ["data with bare CR", "5\r\nhello\r0\r\n\r\n", "BARE_CR"],
    ["data shorter than its size", "7\r\nhello\r\n0\r\n\r\n", "INVALID_CHUNK_END"],
    ["extension without name", "1;\r\nx\r\n", "INVALID_CHUNK_EXTENSION"],
    ["two semicolons", "1;;a\r\nx\r\n", "INVALID_CHUNK_EXTENSION"],
    ["extension without value", "1;a=\r\nx\r\n", "INVALID_CHUNK_EXTENSION"],
    ["extension without name but value", "1;=a\r\nx\r\n", "INVALID_CHUNK_EXTENSION"],
    ["white space in an extension", "1; a\r\nx\r\n", "INVALID_CHUNK_EXTENSION"],
    ["white space around equals", "1;a =b\r\nx\r\n", "INVALID_CHUNK_EXTENSION"],
    ["extension with bare LF", "1;a\nx\r\n", "BARE_LF"],
    ["extension with bare CR", "1;a\rx\r\n", "BARE_CR"],
    ["quoted LF", '1;a="\nb"\r\nx\r\n', "BARE_LF"],
    ["quoted CRLF", '1;a="\r\nb"\r\nx\r\n', "INVALID_CHUNK_EXTENSION"],
    ["escaped CR", '1;a="\\\r\nb"\r\nx\r\n', "INVALID_CHUNK_EXTENSION"],
    ["text after a quoted value", '1;a="b"c\r\nx\r\n', "INVALID_CHUNK_EXTENSION"],
    ["quote within a token", '1;a=b"c"\r\nx\r\n', "INVALID_CHUNK_EXTENSION"],
    ["extensions of a chunk over 4 KiB", `1${quoted(4092)}\r\nx\r\n`, "CHUNK_EXTENSION_TOO_LARGE"],
    ["extensions of a body over 16 KiB", `${`1${quoted(4091)}\r\nx\r\n`.repeat(4)}1;\r`, "CHUNK_EXTENSION_TOO_LARGE"],
    ["end with bare LF", "0\r\n\n", "BARE_LF"],
    ["end with bare CR", "0\r\n\rX", "BARE_CR"],
    ["folded trailer", "0\r\nX: a\r\n b\r\n\r\n", "OBS_FOLD"],
    ["indented trailer", "0\r\n X: a\r\n\r\n", "SPACE_BEFORE_FIELDS"],
    ["trailer without name", "0\r\n: a\r\n\r\n", "EMPTY_FIELD_NAME"],
    ["trailer without colon", "0\r\nX\r\n\r\n", "INVALID_FIELD_NAME"],
    ["next request instead of trailers", "0\r\nGET / HTTP/1.1\r\n\r\n", "SPACE_BEFORE_COLON"],
    ["trailer with space before colon", "0\r\nX : a\r\n\r\n", "SPACE_BEFORE_COLON"],
    ["trailer with bare LF", "0\r\nX: a\n\r\n", "BARE_LF"],
    ["trailer with bare CR", "0\r\nX: a\rb\r\n\r\n", "BARE_CR"],
    ["trailer with NUL", "0\r\nX: a\0\r\n\r\n", "INVALID_FIELD_VALUE"],
    ["trailers too large", `0\r\nX: ${"a".repeat(8192)}\r\n\r\n`, "TRAILER_TOO_LARGE"],
    ["too many trailers", `0\r\n${"X: a\r\n".repeat(65)}\r\n`, "TRAILER_TOO_LARGE"],
    ...[
      "Content-Length",
      "transfer-encoding",
      "HOST",
      "Connection",
      "TE",
      "Trailer",
      "Authorization",
      "Set-Cookie",
      "Content-Encoding",
      "Content-Type",
      "Content-Range",
      "X-Forwarded-For",
      "Forwarded",
      "Max-Forwards",
    ].map((name) => [`trailer ${name}`, `0\r\nOk: 1\r\n${name}: 1\r\n\r\n`, "FORBIDDEN_TRAILER"] as const),
  ];
  test.each(cases.map((item) => [...item]))("%s", (_name, text, code) => {
    for (const size of [1, 2, 3, text.length]) expect(nameOf(consume(text, size).result)).toBe(code);
  });

  test("the bounds themselves are allowed", () => {
    expect(consume(`${`1${quoted(4091)}\r\nx\r\n`.repeat(4)}0\r\n\r\n`).parser.done).toBe(true);
    expect(consume(`0\r\n${"X: a\r\n".repeat(64)}\r\n`).parser.done).toBe(true);
    expect(consume(`0\r\nX:${"a".repeat(8192 - 4)}\r\n\r\n`).parser.done).toBe(true);
  });

  test("trailer limits are the caller's and outlive a reset", () => {
    const parser = new ChunkedParser();
    parser.reset({ maxTrailerBytes: 10, maxTrailerFields: 1, refused: [] });
    expect(consume("0\r\nX: a\r\nY: b\r\n\r\n", 100, parser).result).toBe(ParseError.TRAILER_TOO_LARGE);
    parser.reset();
    expect(consume("0\r\nX: aaaaaaaa\r\n\r\n", 100, parser).result).toBe(ParseError.TRAILER_TOO_LARGE);
    parser.reset();
    expect(consume("0\r\nX: a\r\n\r\n", 100, parser).parser.done).toBe(true);
  });
});

describe("trailers that a route refuses", () => {
  const long = "x-a-name-that-is-longer-than-what-is-looked-at";
  const limits = {
    maxTrailerBytes: 1000,
    maxTrailerFields: 10,
    refused: ["x-user", long].map((name) => Buffer.from(name)),
  };

  test.each([
    ["X-User", ParseError.FORBIDDEN_TRAILER],
    ["x_uSER", ParseError.FORBIDDEN_TRAILER],
    [long, ParseError.FORBIDDEN_TRAILER],
    [long.replaceAll("-", "_").toUpperCase(), ParseError.FORBIDDEN_TRAILER],
    [`${long}s`, 0],
    ["X-Users", 0],
    ["X-Use", 0],
    ["XMUser", 0],
  ])("%s", (name, error) => {
    for (const size of [1, 5, 1000]) {
      const parser = new ChunkedParser();
      parser.reset(limits);
      const { result } = consume(`0\r\n${name}: root\r\n\r\n`, size, parser);
      expect(Math.min(result, 0)).toBe(error);
    }
  });
});
