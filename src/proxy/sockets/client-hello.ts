/** What the first bytes of a client with TLS say (RFC 8446 section 4.1.2), as far as a CA that asks can be told by it. Pure. */

const RECORD_HEAD = 5;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const ALPN = 16;
/** A record's content (RFC 8446 section 5.1). */
const MAX_RECORD = 16_384;
const ACME = Buffer.from("acme-tls/1");

/** More than these bytes are not needed to know. */
export const MAX_HELLO_BYTES = RECORD_HEAD + MAX_RECORD;

/**
 * Does whoever sent these bytes offer `acme-tls/1`, and nothing else (RFC 8737 section 3)? `null` = more of them are needed. What is
 * no hello, or goes on in a second record, is nobody's who asks for that.
 */
export function asksForChallenge(bytes: Buffer): boolean | null {
  if (bytes.length > 0 && bytes[0] !== HANDSHAKE_RECORD) return false;
  if (bytes.length < RECORD_HEAD) return null;
  const length = bytes.readUInt16BE(3);
  if (length > MAX_RECORD) return false;
  if (bytes.length < RECORD_HEAD + length) return null;
  const protocols = extensionOf(bytes.subarray(RECORD_HEAD, RECORD_HEAD + length), ALPN);
  // A list of names, each with its length: one, and nothing behind it.
  if (protocols === null || protocols.length !== 3 + ACME.length) return false;
  return protocols[2] === ACME.length && protocols.subarray(3).equals(ACME);
}

/** The content of an extension of the hello in `handshake`; null = there is none, or no hello that can be read. */
function extensionOf(handshake: Buffer, wanted: number): Buffer | null {
  const reader = new Reader(handshake);
  if (reader.number(1) !== CLIENT_HELLO) return null;
  reader.skip(3 + 2 + 32); // length, version, random
  reader.skip(reader.number(1)); // session
  reader.skip(reader.number(2)); // cipher suites
  reader.skip(reader.number(1)); // compression
  const end = reader.number(2) + reader.at;
  while (reader.at + 4 <= Math.min(end, handshake.length)) {
    const type = reader.number(2);
    const length = reader.number(2);
    if (type === wanted) return reader.at + length <= handshake.length ? reader.take(length) : null;
    reader.skip(length);
  }
  return null;
}

/** Reads numbers one behind the other; behind the end they are 0. */
class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(size: 1 | 2): number {
    const { at } = this;
    this.at += size;
    return this.at <= this.#bytes.length ? this.#bytes.readUIntBE(at, size) : 0;
  }

  skip(size: number): void {
    this.at += size;
  }

  take(size: number): Buffer {
    this.at += size;
    return this.#bytes.subarray(this.at - size, this.at);
  }
}
