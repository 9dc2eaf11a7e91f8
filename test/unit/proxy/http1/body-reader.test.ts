/** Where a body ends, and what there is to pass on, whatever frames it; what chunks are is told in chunked.test.ts. */
import { describe, expect, test } from "bun:test";
import { BodyReader } from "../../../../src/proxy/http1/body-reader.ts";
import { BodyKind } from "../../../../src/proxy/http1/head.ts";

/** Reads `text` in packets of `size` bytes. @returns what was to be passed on. */
function read(body: BodyReader, text: string, size: number): string {
  let out = "";
  for (let at = 0; at < text.length && !body.done; at += size) {
    const packet = Buffer.from(text.slice(at, at + size), "latin1");
    expect(body.consume(packet, 0, packet.length)).toBeGreaterThan(0);
    out += (body.repaired ?? packet.subarray(0, body.contentEnd)).toString("latin1");
  }
  return out;
}

const CHUNKED = "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n";

describe("a chunked body", () => {
  test("is passed on byte for byte, with its trailers in it", () => {
    for (const lax of [false, true]) {
      const body = new BodyReader(lax);
      for (let size = 1; size <= CHUNKED.length; size++) {
        body.begin(BodyKind.CHUNKED, -1);
        expect(read(body, CHUNKED, size)).toBe(CHUNKED);
        expect([body.done, body.bytes, body.trailers]).toEqual([true, 5, null]);
      }
    }
  });

  test("is passed on without chunks, and its trailers apart, when its coding is taken off", () => {
    for (const lax of [false, true]) {
      const body = new BodyReader(lax);
      for (let size = 1; size <= CHUNKED.length; size++) {
        body.begin(BodyKind.CHUNKED, -1, true);
        expect(read(body, CHUNKED, size)).toBe("abcde");
        expect([body.done, body.bytes, body.trailers?.toString()]).toEqual([true, 5, "X-Sum: 5\r\n"]);
        // The next body has none of them, whatever frames it.
        body.begin(BodyKind.LENGTH, 2);
        expect(read(body, "xy", size)).toBe("xy");
        expect([body.done, body.trailers]).toEqual([true, null]);
      }
    }
  });
});
