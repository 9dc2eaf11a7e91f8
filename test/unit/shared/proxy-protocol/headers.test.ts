/** Headers of the PROXY protocol: what is read of them, what is refused, and that what we write is read. */
import { describe, expect, test } from "bun:test";
import { crc32c } from "../../../../src/shared/proxy-protocol/crc32c.ts";
import { MAX_HEADER_BYTES, readProxyHeader } from "../../../../src/shared/proxy-protocol/reader.ts";
import { proxyHeader } from "../../../../src/shared/proxy-protocol/writer.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const IPV4 = "cb007107" + "0a000001" + "c001" + "01bb";
const IPV6 = `${"20010db8000000000000000000000001".repeat(2)}c00101bb`;
const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
/** Version 2, with its length. */
const v2 = (command: string, family: string, ...rest: string[]): Buffer => {
  const body = rest.join("");
  return bytes(SIGNATURE + command + family + (body.length / 2).toString(16).padStart(4, "0") + body);
};
/** With a checksum behind `header`, which has no other records. */
function withChecksum(header: Buffer, wrongBy = 0): Buffer {
  const whole = Buffer.concat([header, bytes("03000400000000")]);
  whole.writeUInt16BE(whole.length - 16, 14);
  whole.writeUInt32BE((crc32c(whole, 0, whole.length, whole.length - 4) + wrongBy) >>> 0, whole.length - 4);
  return whole;
}

test("the checksum is CRC-32C", () => {
  expect(crc32c(Buffer.from("123456789"), 0, 9, -4).toString(16)).toBe("e3069283");
});

describe.each([
  ["PROXY TCP4 203.0.113.7 10.0.0.1 49153 443\r\n", "203.0.113.7"],
  ["PROXY TCP6 2001:DB8::1 ::1 0 65535\r\n", "2001:db8::1"],
  ["PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2\r\n", "203.0.113.7"],
  ["PROXY UNKNOWN\r\n", ""],
  ["PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ""],
  [v2("21", "11", IPV4), "203.0.113.7"],
  [v2("21", "21", IPV6), "2001:db8::1"],
  [v2("21", "21", `00000000000000000000ffffcb007107${IPV6.slice(32)}`), "203.0.113.7"],
  [v2("20", "00"), ""],
  [v2("20", "11", IPV4), ""],
  [v2("20", "7f", "0102"), ""],
  [v2("21", "00"), ""],
  [v2("21", "00", "020010"), ""],
  [v2("21", "31", "00".repeat(216)), ""],
  [v2("21", "11", IPV4, "040003000000", "ee0000", `0200${"04"}61622e63`, "20000100"), "203.0.113.7"],
  [withChecksum(v2("21", "11", IPV4)), "203.0.113.7"],
] as const)("%p", (header, address) => {
  const whole = Buffer.from(header as string);

  test("is read, whatever stands behind it", () => {
    const wanted = { kind: "header", length: whole.length, address } as const;
    expect(readProxyHeader(whole)).toEqual(wanted);
    expect(readProxyHeader(Buffer.concat([whole, Buffer.from("GET / HTTP/1.1\r\n\r\n")]))).toEqual(wanted);
    expect(readProxyHeader(Buffer.concat([whole, whole]))).toEqual(wanted);
  });

  test("is waited for as long as some of it is missing", () => {
    for (let length = 0; length < whole.length; length++) {
      expect([length, readProxyHeader(whole.subarray(0, length))]).toEqual([length, { kind: "incomplete" }]);
    }
  });
});

test.each([
  ["GET / HTTP/1.1\r\n\r\n", "is missing"],
  ["PROX ", "is missing"],
  ["proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "is missing"],
  ["\r\n\r\nGET / HTTP/1.1", "is missing"],
  ["\x16\x03\x01", "is missing"],
  ["PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "line end without CR"],
  ["PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "no family"],
  ["PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "no family"],
  ["PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "two addresses and two ports"],
  ["PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "two addresses and two ports"],
  ["PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", "two addresses and two ports"],
  ["PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", "no TCP4"],
  ["PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "no TCP4"],
  ["PROXY TCP4 0x7f.1.1.1 1.2.3.4 1 2\r\n", "no TCP4"],
  ["PROXY TCP4 ::1 ::1 1 2\r\n", "no TCP4"],
  ["PROXY TCP6 1.2.3.4 ::1 1 2\r\n", "no TCP6"],
  ["PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "no TCP6"],
  ["PROXY TCP6 ::1 1.2.3.4 1 2\r\n", "no TCP6"],
  ["PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n", "port"],
  ["PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "port"],
  ["PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n", "port"],
  [`PROXY UNKNOWN ${"x".repeat(200)}`, "too long"],
  [`PROXY UNKNOWN ${"x".repeat(92)}\r\n`, "too long"],
  [bytes(`${SIGNATURE}1111000c${IPV4}`), "no version or command"],
  [bytes(`${SIGNATURE}2211000c${IPV4}`), "no version or command"],
  [v2("21", "12", IPV4), "no stream"],
  [v2("21", "ff", IPV4), "no stream"],
  [v2("21", "11", IPV4.slice(2)), "too short"],
  [v2("21", "21", IPV4), "too short"],
  [bytes(`${SIGNATURE}2111ffff`), "longer than"],
  [v2("21", "11", IPV4, "0400"), "cut off"],
  [v2("21", "11", IPV4, "04000100", "040002ff"), "longer than it is"],
  [v2("21", "11", IPV4, "03000100"), "checksum that is none"],
  [withChecksum(v2("21", "11", IPV4), 1), "another checksum"],
] as const)("%p is refused: %s", (header, reason) => {
  const read = readProxyHeader(Buffer.from(header as string, "latin1"));
  expect(read).toEqual({ kind: "malformed", reason: expect.stringContaining(reason) });
});

test("the longest that is read, and one byte more", () => {
  const filled = (length: number) => {
    const filler = Buffer.alloc(length - 31);
    return v2("21", "11", IPV4, `04${filler.length.toString(16).padStart(4, "0")}`, filler.toString("hex"));
  };
  expect(readProxyHeader(filled(MAX_HEADER_BYTES))).toMatchObject({ kind: "header", length: MAX_HEADER_BYTES });
  expect(readProxyHeader(filled(MAX_HEADER_BYTES + 1))).toMatchObject({ kind: "malformed" });
});

describe("what we write", () => {
  test.each(["v1", "v2"] as const)("is read as it was meant (%s)", (version) => {
    for (const [source, destination, read] of [
      ["203.0.113.7", "10.0.0.1", "203.0.113.7"],
      ["203.0.113.7", "fd00::1", "203.0.113.7"],
      ["::ffff:203.0.113.7", "10.0.0.1", "203.0.113.7"],
      ["2001:db8::7", "10.0.0.1", "2001:db8::7"],
      ["2001:db8::7", "fd00::1", "2001:db8::7"],
      ["2001:db8::7", "a.name", "2001:db8::7"],
      ["", "10.0.0.1", ""],
      ["unix", "10.0.0.1", ""],
    ]) {
      const header = proxyHeader(version, source, destination, 8443);
      expect(readProxyHeader(header)).toEqual({ kind: "header", length: header.length, address: read });
    }
  });

  test("as the specification has it", () => {
    expect(proxyHeader("v1", "203.0.113.7", "10.0.0.1", 443).toString()).toBe(
      "PROXY TCP4 203.0.113.7 10.0.0.1 0 443\r\n",
    );
    expect(proxyHeader("v1", "", "10.0.0.1", 443).toString()).toBe("PROXY UNKNOWN\r\n");
    expect(proxyHeader("v2", "203.0.113.7", "10.0.0.1", 443).toString("hex")).toBe(
      `${SIGNATURE}2111000ccb0071070a000001000001bb`,
    );
    expect(proxyHeader("v2", "", "10.0.0.1", 443).toString("hex")).toBe(`${SIGNATURE}20000000`);
  });
});
