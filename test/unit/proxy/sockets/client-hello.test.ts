/** Whether a CA asks by TLS-ALPN-01, as far as first bytes tell. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { asksForChallenge, MAX_HELLO_BYTES } from "../../../../src/proxy/sockets/client-hello.ts";

const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const sized = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
const extension = (type: number, content: Buffer): Buffer => Buffer.concat([u16(type), sized(content)]);
const alpn = (...names: string[]): Buffer =>
  extension(
    16,
    sized(Buffer.concat(names.map((name) => Buffer.from(`${String.fromCharCode(name.length)}${name}`, "latin1")))),
  );
const sni = extension(0, sized(Buffer.concat([Buffer.from([0]), sized(Buffer.from("a.test"))])));

function hello(...extensions: Buffer[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    Buffer.from([4, 1, 2, 3, 4]),
    sized(Buffer.from([0x13, 0x01, 0x13, 0x02])),
    Buffer.from([1, 0]),
    sized(Buffer.concat(extensions)),
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(handshake)]);
}

describe("a hello", () => {
  test("that offers acme-tls/1 and nothing else is a CA's", () => {
    expect(asksForChallenge(hello(sni, alpn("acme-tls/1")))).toBe(true);
    expect(asksForChallenge(hello(alpn("acme-tls/1"), sni))).toBe(true);
  });

  test.each([
    ["without ALPN", hello(sni)],
    ["of a browser", hello(sni, alpn("h2", "http/1.1"))],
    ["that offers more", hello(sni, alpn("acme-tls/1", "http/1.1"))],
    ["of another name", hello(alpn("acme-tls/2"))],
    ["without extensions", hello()],
    ["that is none", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["longer than a record", Buffer.from([22, 3, 1, 0xff, 0xff])],
  ])("%s is not", (_, bytes) => {
    expect(asksForChallenge(bytes)).toBe(false);
  });

  test("that comes in pieces is waited for", () => {
    const bytes = hello(sni, alpn("acme-tls/1"));
    for (let length = 0; length < bytes.length; length++)
      expect(asksForChallenge(bytes.subarray(0, length))).toBeNull();
    expect(asksForChallenge(Buffer.concat([bytes, Buffer.from("more")]))).toBe(true);
  });

  test("nothing that is sent is waited for without end, or throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isRecord) => {
        const sent = Buffer.from(bytes);
        if (isRecord && sent.length > 5) Buffer.concat([Buffer.from([22, 3, 1]), u16(sent.length - 5)]).copy(sent);
        const known = asksForChallenge(sent);
        expect(known === null || typeof known === "boolean").toBe(true);
        const full = Buffer.alloc(MAX_HELLO_BYTES);
        sent.copy(full);
        expect(asksForChallenge(full)).not.toBeNull();
      }),
    );
  });
});
