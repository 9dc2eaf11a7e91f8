import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameReader } from "../../../../../src/proxy/http2/frames/reader.ts";
import { ACK, END_HEADERS, END_STREAM, frame, integer32, Notes, PADDED, PRIORITY, readIn, Type } from "./support.ts";

const BLOCK = "block";
const HEADERS = frame(Type.HEADERS, END_HEADERS, 1, BLOCK);

describe("what comes whole", () => {
  const cases: [name: string, bytes: Buffer, lines: string[]][] = [
    ["HEADERS", HEADERS, ["headers 1 block"]],
    ["HEADERS that end the stream", frame(Type.HEADERS, END_HEADERS | END_STREAM, 3, BLOCK), ["headers 3 end block"]],
    ["padded HEADERS", frame(Type.HEADERS, END_HEADERS | PADDED, 1, "\x03block\0\0\0"), ["headers 1 block"]],
    [
      "HEADERS with a priority",
      frame(Type.HEADERS, END_HEADERS | PRIORITY | PADDED, 3, "\x01\x80\0\0\x01\x0fblock\0"),
      ["headers 3 block"],
    ],
    [
      "HEADERS with CONTINUATION",
      Buffer.concat([
        frame(Type.HEADERS, END_STREAM, 1, "bl"),
        frame(Type.CONTINUATION, 0, 1, ""),
        frame(Type.CONTINUATION, END_HEADERS, 1, "ock"),
      ]),
      ["headers 1 end block"],
    ],
    ["DATA", frame(Type.DATA, 0, 1, "hello"), ["data 1 5 hello"]],
    ["DATA that ends the stream", frame(Type.DATA, END_STREAM, 1, "hello"), ["data 1 end 5 hello"]],
    ["padded DATA", frame(Type.DATA, PADDED, 1, "\x02hello\0\0"), ["data 1 8 hello"]],
    ["an end without content", frame(Type.DATA, END_STREAM, 1), ["data 1 end 0 "]],
    ["an end with padding alone", frame(Type.DATA, PADDED | END_STREAM, 1, "\x02\0\0"), ["data 1 end 3 "]],
    ["DATA of nothing", frame(Type.DATA, 0, 1), ["idle 0"]],
    ["DATA of padding alone", frame(Type.DATA, PADDED, 1, "\0"), ["data 1 1 ", "idle 0"]],
    ["PRIORITY", frame(Type.PRIORITY, 0, 1, "\0\0\0\x03\x10"), ["idle 2"]],
    ["RST_STREAM", frame(Type.RST_STREAM, 0, 1, integer32(8)), ["reset 1 8"]],
    ["a code that nobody knows", frame(Type.RST_STREAM, 0, 1, integer32(0xffff_ffff)), ["reset 1 4294967295"]],
    ["SETTINGS", frame(Type.SETTINGS, 0, 0, "\0\x04\0\0\x10\0"), ["settings 000400001000"]],
    ["SETTINGS without any", frame(Type.SETTINGS, 0, 0), ["settings "]],
    ["its ACK", frame(Type.SETTINGS, ACK, 0), ["settings ack"]],
    ["PING", frame(Type.PING, 0, 0, "12345678"), ["ping 12345678"]],
    ["its ACK", frame(Type.PING, ACK, 0, "12345678"), ["ping ack 12345678"]],
    [
      "GOAWAY",
      frame(Type.GOAWAY, 0, 0, Buffer.concat([integer32(7), integer32(2), Buffer.from("why")])),
      ["goaway 7 2"],
    ],
    ["WINDOW_UPDATE", frame(Type.WINDOW_UPDATE, 0, 0, integer32(5)), ["window 0 5"]],
    ["bits that are reserved", frame(Type.WINDOW_UPDATE, 0xff, 0x8000_0001, integer32(0x8000_0005)), ["window 1 5"]],
    ["a kind that nobody knows", frame(0xfa, 0xff, 1, "whatever"), ["idle 250"]],
  ];

  test.each(cases)("%s", (_, bytes, lines) => {
    expect(readIn(bytes)).toEqual(lines);
  });

  test("however it comes in pieces", () => {
    const ping = frame(Type.PING, 0, 0, "12345678");
    const all = Buffer.concat(cases.flatMap(([, bytes]) => [bytes, ping]));
    const lines = readIn(all, all.length);
    expect(lines).toEqual(cases.flatMap(([, , each]) => [...each, "ping 12345678"]));
    for (let size = 1; size < 40; size++) expect(readIn(all, size)).toEqual(lines);
    for (let first = 1; first < all.length; first++) expect(readIn(all, first, all.length)).toEqual(lines);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 100 }), (sizes) => {
        expect(readIn(all, ...sizes)).toEqual(lines);
      }),
    );
  });

  test("the longest frame that is allowed", () => {
    const body = "x".repeat(16_384);
    expect(readIn(frame(Type.DATA, END_STREAM, 1, body), 1000)).toEqual([`data 1 end 16384 ${body}`]);
    expect(readIn(frame(Type.HEADERS, END_HEADERS, 1, body), 1000)).toEqual([`headers 1 ${body}`]);
  });
});

describe("what ends the connection", () => {
  test.each([
    ["a frame that is too long", frame(Type.DATA, 0, 1, "x".repeat(16_385)), 6],
    ["… of a kind that nobody knows", frame(0xfa, 0, 0, "x".repeat(16_385)), 6],
    ["DATA of no stream", frame(Type.DATA, 0, 0, "x"), 1],
    ["DATA without its padding's length", frame(Type.DATA, PADDED, 1), 6],
    ["padding longer than DATA", frame(Type.DATA, PADDED, 1, "\x05hell"), 1],
    ["HEADERS of no stream", frame(Type.HEADERS, END_HEADERS, 0, BLOCK), 1],
    ["padding longer than HEADERS", frame(Type.HEADERS, END_HEADERS | PADDED, 1, "\x06block"), 1],
    ["HEADERS without their priority", frame(Type.HEADERS, END_HEADERS | PRIORITY, 1, "\0\0"), 6],
    ["PRIORITY of no stream", frame(Type.PRIORITY, 0, 0, "\0\0\0\x03\x10"), 1],
    ["RST_STREAM of no stream", frame(Type.RST_STREAM, 0, 0, integer32(8)), 1],
    ["RST_STREAM of another length", frame(Type.RST_STREAM, 0, 1, "\0\0\0"), 6],
    ["SETTINGS of a stream", frame(Type.SETTINGS, 0, 1), 1],
    ["SETTINGS of another length", frame(Type.SETTINGS, 0, 0, "\0\x04\0\0\x10"), 6],
    ["an ACK with settings", frame(Type.SETTINGS, ACK, 0, "\0\x04\0\0\x10\0"), 6],
    ["PUSH_PROMISE", frame(Type.PUSH_PROMISE, END_HEADERS, 1, `\0\0\0\x02${BLOCK}`), 1],
    ["PING of a stream", frame(Type.PING, 0, 1, "12345678"), 1],
    ["PING of another length", frame(Type.PING, 0, 0, "1234567"), 6],
    ["GOAWAY of a stream", frame(Type.GOAWAY, 0, 1, "12345678"), 1],
    ["GOAWAY of another length", frame(Type.GOAWAY, 0, 0, "1234567"), 6],
    ["WINDOW_UPDATE of another length", frame(Type.WINDOW_UPDATE, 0, 1, "\0\0\0"), 6],
    ["WINDOW_UPDATE of nothing", frame(Type.WINDOW_UPDATE, 0, 0, integer32(0)), 1],
    ["CONTINUATION of nothing", frame(Type.CONTINUATION, END_HEADERS, 1, BLOCK), 1],
    [
      "CONTINUATION of another stream",
      Buffer.concat([frame(Type.HEADERS, 0, 1, BLOCK), frame(Type.CONTINUATION, END_HEADERS, 3, BLOCK)]),
      1,
    ],
    [
      "a block that is interrupted",
      Buffer.concat([frame(Type.HEADERS, 0, 1, BLOCK), frame(Type.PING, 0, 0, "12345678")]),
      1,
    ],
    ["… by what nobody knows", Buffer.concat([frame(Type.HEADERS, 0, 1, BLOCK), frame(0xfa, 0, 0)]), 1],
  ])("%s", (_, bytes, code) => {
    for (const size of [bytes.length, 7, 1]) {
      // What comes behind it is not read.
      const lines = readIn(Buffer.concat([bytes, HEADERS]), size).filter((line) => !line.startsWith("data "));
      expect(lines).toHaveLength(1);
      expect(lines[0]).toStartWith(`connection error ${code}: `);
    }
  });

  test("a header block that is too long, in one frame or in many", () => {
    const long = (parts: number, bytes: number) =>
      Buffer.concat([
        frame(Type.HEADERS, 0, 1, "x"),
        ...Array.from({ length: parts }, () => frame(Type.CONTINUATION, 0, 1, "x".repeat(bytes))),
      ]);
    expect(readIn(Buffer.concat([long(7, 1), frame(Type.CONTINUATION, END_HEADERS, 1)]))).toEqual([
      "headers 1 xxxxxxxx",
    ]);
    expect(readIn(long(9, 0))[0]).toStartWith("connection error 11: ");
    expect(readIn(long(2, 16_383))).toEqual([]);
    expect(readIn(long(3, 16_383))[0]).toStartWith("connection error 11: ");
    const notes = new Notes();
    const single = frame(Type.HEADERS, END_HEADERS, 1, "x".repeat(1001));
    new FrameReader(notes, { maxBytes: 1000, maxContinuations: 8 }).read(single, 0, single.length);
    expect(notes.lines[0]).toStartWith("connection error 11: ");
  });
});

describe("what ends its stream alone", () => {
  test.each([
    ["PRIORITY of another length", frame(Type.PRIORITY, 0, 1, "\0\0\0"), ["stream error 1 6"]],
    ["PRIORITY on itself", frame(Type.PRIORITY, 0, 3, "\0\0\0\x03\x10"), ["stream error 3 1"]],
    ["WINDOW_UPDATE of nothing", frame(Type.WINDOW_UPDATE, 0, 1, integer32(0)), ["stream error 1 1"]],
    [
      "HEADERS on themselves, behind their block",
      frame(Type.HEADERS, END_HEADERS | PRIORITY, 1, `\0\0\0\x01\x10${BLOCK}`),
      ["headers 1 block", "stream error 1 1"],
    ],
    [
      "… and its CONTINUATION",
      Buffer.concat([
        frame(Type.HEADERS, PRIORITY, 1, "\0\0\0\x01\x10"),
        frame(Type.CONTINUATION, END_HEADERS, 1, BLOCK),
      ]),
      ["headers 1 block", "stream error 1 1"],
    ],
  ])("%s", (_, bytes, expected) => {
    for (const size of [bytes.length, 3]) {
      const lines = readIn(Buffer.concat([bytes, frame(Type.PING, 0, 0, "12345678")]), size);
      expect(lines.map((line) => line.split(":")[0])).toEqual([...expected, "ping 12345678"]);
    }
  });
});

describe("the reader itself", () => {
  test("says whether it waits for the rest of a frame or of a block", () => {
    const reader = new FrameReader(new Notes(), { maxBytes: 1000, maxContinuations: 8 });
    const read = (bytes: Buffer) => {
      reader.read(bytes, 0, bytes.length);
      return reader.isWaiting;
    };
    expect(reader.isWaiting).toBe(false);
    expect(read(frame(Type.PING, 0, 0, "12345678").subarray(0, 5))).toBe(true);
    expect(read(frame(Type.PING, 0, 0, "12345678").subarray(5))).toBe(false);
    expect(read(frame(Type.DATA, 0, 1, "hello").subarray(0, 10))).toBe(false);
    expect(read(frame(Type.DATA, 0, 1, "hello").subarray(10))).toBe(false);
    expect(read(frame(Type.HEADERS, 0, 1, BLOCK))).toBe(true);
    expect(read(frame(Type.CONTINUATION, END_HEADERS, 1, BLOCK))).toBe(false);
  });

  test("reads nothing more when it was stopped, also by who is told", () => {
    const notes = new (class extends Notes {
      override onPing(ack: boolean, buf: Buffer, start: number): void {
        super.onPing(ack, buf, start);
        reader.stop();
      }
    })();
    const reader = new FrameReader(notes, { maxBytes: 1000, maxContinuations: 8 });
    const bytes = Buffer.concat([frame(Type.PING, 0, 0, "12345678"), HEADERS]);
    reader.read(bytes, 0, bytes.length);
    reader.read(bytes, 0, bytes.length);
    expect(notes.lines).toEqual(["ping 12345678"]);
  });

  test("takes any bytes without harm", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (bytes, size) => {
        // Kinds and flags that are known are met more often so.
        if (bytes.length > 4) bytes[0] = bytes[1] = 0;
        if (bytes.length > 4) bytes[3] %= 11;
        const whole = readIn(Buffer.from(bytes));
        const ofData = (line: string) => line.startsWith("data ");
        const others = (lines: string[]) => lines.filter((line) => !ofData(line));
        expect(others(readIn(Buffer.from(bytes), size))).toEqual(others(whole));
      }),
      { numRuns: 2000 },
    );
  });
});
