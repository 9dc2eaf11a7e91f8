import { expect, test } from "bun:test";
import { FrameFlag, FrameType } from "../../../../../src/proxy/http2/frames/layout.ts";
import {
  writeFrameHeader,
  writeGoaway,
  writePing,
  writeRstStream,
  writeSettings,
  writeSettingsAck,
  writeWindowUpdate,
} from "../../../../../src/proxy/http2/frames/writer.ts";
import { readIn } from "./support.ts";

const out = Buffer.alloc(256, 0xee);

/** What a reader finds in what was written behind some other bytes. */
function written(write: (at: number) => number): string[] {
  return readIn(Buffer.from(out.subarray(3, write(3))));
}

test.each([
  [
    "settings",
    (at: number) =>
      writeSettings(out, at, [
        [3, 100],
        [4, 0x7fff_ffff],
      ]),
    "settings 0003000000640004" + "7fffffff",
  ],
  ["no settings", (at: number) => writeSettings(out, at, []), "settings "],
  ["their ACK", (at: number) => writeSettingsAck(out, at), "settings ack"],
  ["PING", (at: number) => writePing(out, at, false, Buffer.from("x12345678"), 1), "ping 12345678"],
  ["its ACK", (at: number) => writePing(out, at, true, Buffer.from("12345678"), 0), "ping ack 12345678"],
  ["RST_STREAM", (at: number) => writeRstStream(out, at, 0x7fff_ffff, 8), "reset 2147483647 8"],
  ["WINDOW_UPDATE", (at: number) => writeWindowUpdate(out, at, 1, 0x7fff_ffff), "window 1 2147483647"],
  ["GOAWAY", (at: number) => writeGoaway(out, at, 0x7fff_ffff, 0xb, "calm"), "goaway 2147483647 11"],
])("%s", (_, write, line) => {
  expect(written(write)).toEqual([line]);
});

test("the header of a frame", () => {
  const end = writeFrameHeader(out, 0, 0x4000, FrameType.HEADERS, FrameFlag.END_HEADERS, 0x0102_0304);
  expect(out.toString("hex", 0, end)).toBe("0040000104" + "01020304");
});
