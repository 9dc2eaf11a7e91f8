/** The benchmark's clients and servers of HTTP/2: what they must notice, or their figures mean nothing. */
import { describe, expect, test } from "bun:test";
import { openingBytes, SingleResponse } from "../../../bench/load/http2-connections.ts";
import { PATTERN } from "../../../bench/load/pattern.ts";
import { http2ServersConfig } from "../../../bench/proxy/http2-servers.ts";

const SETTINGS = frame(4, 0, 0, []);
const HEAD = frame(1, 4, 1, [0x88]);
const BODY = PATTERN.subarray(0, 100);

function frame(type: number, flags: number, stream: number, payload: Iterable<number>): Buffer {
  const bytes = [...payload];
  return Buffer.from([0, bytes.length >> 8, bytes.length & 255, type, flags, 0, 0, 0, stream, ...bytes]);
}

describe("SingleResponse", () => {
  test("finds a whole response in pieces of any size", () => {
    const bytes = Buffer.concat([
      SETTINGS,
      HEAD,
      frame(0, 0, 1, BODY.subarray(0, 40)),
      frame(0, 1, 1, BODY.subarray(40)),
    ]);
    for (const size of [bytes.length, 1, 7, 50]) {
      const response = new SingleResponse("/small");
      for (let at = 0; at < bytes.length; at += size) {
        expect(response.isWhole).toBe(false);
        response.push(bytes.subarray(at, at + size));
      }
      expect(response).toMatchObject({ isWhole: true, hasSettings: true });
    }
  });

  test("takes a block that begins with the size of a table", () => {
    const response = new SingleResponse("/small");
    response.push(Buffer.concat([frame(1, 4, 1, [0x20, 0x88]), frame(0, 1, 1, BODY)]));
    expect(response.isWhole).toBe(true);
  });

  const refused: readonly [what: string, bytes: Buffer, why: string][] = [
    ["another status", frame(1, 4, 1, [0x8d]), "status 200"],
    ["a body before the head", frame(0, 1, 1, BODY), "wrong bytes"],
    ["a byte changed", Buffer.concat([HEAD, frame(0, 1, 1, Buffer.from(BODY).fill(0, 50, 51))]), "wrong bytes"],
    ["a body that is too short", Buffer.concat([HEAD, frame(0, 1, 1, BODY.subarray(1, 1))]), "a body of 0 bytes"],
    ["a body that is too long", Buffer.concat([HEAD, frame(0, 1, 1, PATTERN.subarray(0, 101))]), "a body of 101 bytes"],
  ];
  for (const [what, bytes, why] of refused) {
    test(`refuses ${what}`, () => {
      expect(() => new SingleResponse("/small").push(bytes)).toThrow(why);
    });
  }
});

test("what a client says at first is the preface, SETTINGS and one request", () => {
  const bytes = openingBytes({ path: "/small", bodyBytes: 0, browser: false, close: false }, false);
  expect(bytes.toString("latin1", 0, 24)).toBe("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const settings = bytes.subarray(24, 33);
  expect(settings).toEqual(SETTINGS);
  const header = bytes.subarray(33, 42);
  expect([header[3], header[4], header.readUInt32BE(5)]).toEqual([1, 5, 1]);
  expect(header.readUIntBE(0, 3)).toBe(bytes.length - 42);
});

test("the servers of HTTP/2 refuse other versions", () => {
  const config = http2ServersConfig("/nowhere", [1, 2], 3);
  expect(config).toContain("if ($server_protocol != HTTP/2.0) { return 505; }");
  expect(config).toContain("listen 127.0.0.1:2 http2");
});
