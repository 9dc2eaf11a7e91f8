/** Addresses as bytes, compared with the library that reads them elsewhere. Seeded. */
import { describe, expect, test } from "bun:test";
import ipaddr from "ipaddr.js";
import { maskAddress, readAddress } from "../../../../src/shared/addresses/address-bytes.ts";

function read(text: string): { family: number; bytes: number[] } {
  const out = new Uint8Array(16).fill(0xaa);
  const bytes = Buffer.from(`${text}garbage`);
  const family = readAddress(bytes, text.length, out);
  return { family, bytes: [...out] };
}

function expected(text: string): { family: number; bytes: number[] } {
  const parsed = ipaddr.parse(text);
  const six = parsed.kind() === "ipv4" ? (parsed as ipaddr.IPv4).toIPv4MappedAddress() : (parsed as ipaddr.IPv6);
  return { family: six.isIPv4MappedAddress() ? 4 : 6, bytes: six.toByteArray() };
}

describe("readAddress", () => {
  test.each([
    "203.0.113.7",
    "0.0.0.0",
    "255.255.255.255",
    "::",
    "::1",
    "1::",
    "2001:db8::1",
    "2001:DB8:0:0:0:0:0:1",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "::ffff:192.0.2.1",
    "64:ff9b::192.0.2.33",
    "fe80::1",
  ])("%s", (text) => {
    expect(read(text)).toEqual(expected(text));
  });

  test("a zone does not count", () => {
    expect(read("fe80::1%eth0")).toEqual(expected("fe80::1"));
  });

  test.each([
    "",
    "unknown",
    "_hidden",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.4 ",
    "1..3.4",
    ":",
    ":1",
    "1:",
    "1:2",
    "1::2::3",
    ":::",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
    "%eth0",
  ])("%j is none", (text) => {
    expect(read(text).family).toBe(0);
  });

  test("thousands of them, in every way that they are written", () => {
    let state = 42;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let i = 0; i < 5000; i++) {
      const bytes = Array.from({ length: 16 }, () => (random(2) === 0 ? 0 : random(256)));
      const address = ipaddr.fromByteArray(bytes) as ipaddr.IPv6;
      for (const text of [address.toString(), address.toNormalizedString(), address.toString().toUpperCase()]) {
        expect(read(text).bytes).toEqual(bytes);
      }
    }
  });
});

test("maskAddress keeps the first bits", () => {
  const all = () => new Uint8Array(16).fill(0xff);
  for (const bits of [0, 1, 7, 8, 20, 63, 64, 96, 127, 128]) {
    const address = all();
    maskAddress(address, bits);
    const text = [...address].map((byte) => byte.toString(2).padStart(8, "0")).join("");
    expect(text).toBe("1".repeat(bits).padEnd(128, "0"));
  }
});
