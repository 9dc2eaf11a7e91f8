/** W3C Trace Context, levels 1 and 2: what is believed of a client's `traceparent`, and what servers are sent. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  findTraceparent,
  isTraceparent,
  newTraceparent,
  setSpan,
  setTrace,
  spanIdAt,
  TraceFlags,
  traceFlags,
  traceIdAt,
} from "../../../../src/proxy/rewrite/trace-context.ts";
import { request } from "../support.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const VALID = `00-${TRACE}-${SPAN}-01`;

function valid(text: string): boolean {
  const buf = Buffer.from(`  ${text}  `, "latin1");
  return isTraceparent(buf, 2, 2 + text.length);
}

describe("a traceparent is believed", () => {
  test.each([
    ["as the specification's example has it", VALID],
    ["not sampled", `00-${TRACE}-${SPAN}-00`],
    ["with flags that have no meaning yet", `00-${TRACE}-${SPAN}-ff`],
    ["of a version to come", `01-${TRACE}-${SPAN}-01`],
    ["of a version to come, with more behind it", `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`],
    ["of a version to come, with a hyphen behind it", `fe-${TRACE}-${SPAN}-01-`],
  ])("%s", (_, text) => expect(valid(text)).toBe(true));

  test.each([
    ["of the version that is none", `ff-${TRACE}-${SPAN}-01`],
    ["in upper case", VALID.toUpperCase()],
    ["with one letter in upper case", VALID.replace("b7ad", "B7ad")],
    ["of version 00 with more behind it", `${VALID}-x`],
    ["of version 00 with a hyphen behind it", `${VALID}-`],
    ["of a version to come with something else than a hyphen behind it", `cc-${TRACE}-${SPAN}-01.what`],
    ["with a short id", `00-${TRACE.slice(1)}-${SPAN}-01`],
    ["with a long id", `00-${TRACE}0-${SPAN}-01`],
    ["with a short span", `00-${TRACE}-${SPAN.slice(1)}-01`],
    ["with a trace of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
    ["with a span of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
    ["with flags of one digit", VALID.slice(0, -1)],
    ["with flags that are no digits", `00-${TRACE}-${SPAN}-0g`],
    ["with a version that is no digits", `0.-${TRACE}-${SPAN}-01`],
    ["with a version of one digit", `0-${TRACE}-${SPAN}-01x`],
    ["with other separators", VALID.replaceAll("-", "_")],
    ["with a letter that is no digit in an id", VALID.replace("9c-", "9g-")],
    ["empty", ""],
  ])("not %s", (_, text) => expect(valid(text)).toBe(false));

  test("when any one byte of it is another: just when that is a digit where one may be", () => {
    const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
    const bytes = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: VALID.length - 1 }), bytes, (at, byte) => {
        const text = VALID.slice(0, at) + String.fromCharCode(byte) + VALID.slice(at + 1);
        expect(valid(text)).toBe(pattern.test(text));
      }),
    );
  });
});

describe("a request's", () => {
  const found = (lines: string): string | null => {
    const { buf, head } = request(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
    const at = findTraceparent(buf, head);
    return at < 0 ? null : buf.toString("latin1", traceIdAt(at), spanIdAt(at) + 16);
  };

  test("is found whatever its name's letter case, and what surrounds its value", () => {
    for (const name of ["traceparent", "Traceparent", "TRACEPARENT", "TraceParent"]) {
      expect(found(`${name}: \t ${VALID} \t\r\n`)).toBe(`${TRACE}-${SPAN}`);
    }
  });

  test("is none when it is wrong, absent, or there twice", () => {
    expect(found("A: b\r\n")).toBe(null);
    expect(found(`traceparent: ${VALID}-\r\n`)).toBe(null);
    expect(found(`traceparent: ${VALID}\r\nA: b\r\ntraceparent: ${VALID}\r\n`)).toBe(null);
    expect(found(`traceparent: ${VALID}, ${VALID}\r\n`)).toBe(null);
    expect(found(`trace-parent: ${VALID}\r\ntrace_parent: ${VALID}\r\n`)).toBe(null);
  });

  test("has flags", () => {
    for (const flags of [0, 1, 2, 3, 0x7f, 0xab, 0xff]) {
      const text = `00-${TRACE}-${SPAN}-${flags.toString(16).padStart(2, "0")}`;
      expect(traceFlags(Buffer.from(`x${text}`), 1)).toBe(flags);
    }
  });
});

describe("ours", () => {
  test("is of version 00, with the flags that have a meaning and no others", () => {
    const value = newTraceparent();
    for (const flags of [0, 1, 2, 3, 0xff]) {
      setTrace(value, Buffer.from(`--${TRACE}`), 2, flags);
      setSpan(value, Buffer.from(SPAN));
      const known = flags & (TraceFlags.SAMPLED | TraceFlags.RANDOM);
      expect(value.toString()).toBe(`00-${TRACE}-${SPAN}-0${known}`);
      expect(valid(value.toString())).toBe(true);
    }
  });
});
