/** By what a limit tells requests apart: from a request to the hash that it is counted under, and to the name that people see. */
import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";
import type { NamedRateLimitKey, RateLimitSpec } from "../../protocol/rate-limit.ts";
import { ADDRESS_BYTES, maskAddress, readAddress } from "../../shared/addresses/address-bytes.ts";
import { type HashSecret, halfSipHash, KeyHash } from "../../shared/memory/rate-limits/half-sip-hash.ts";
import { FIELD_STRIDE, FieldPart, type RequestHead } from "../http1/head.ts";
import { isField } from "../http1/header-text.ts";
import { CookieValue, findCookie } from "../pick/sticky-key.ts";

/** A request, as limits look at it. */
export interface LimitedHead {
  readonly headBuffer: Buffer;
  readonly clientAddress: Buffer;
}

/** IPv4 addresses are the last 32 bits. */
const IPV4_OFFSET = 96;
const WORD_BYTES = 4;
const HASH_BYTES = 2 * WORD_BYTES;
/** What is shown of a value. */
const SHOWN_CHARACTERS = 40;
const SHOWN_DIGITS = 12;

/** Where a value is: used again for the next one. */
const found = new CookieValue();
const address = new Uint8Array(ADDRESS_BYTES);
const partHash = new KeyHash();

/** A part of a key, worked out. */
type Part =
  | { readonly kind: "client_ip" }
  | { readonly kind: NamedRateLimitKey["kind"]; readonly name: Buffer }
  /** The same for all requests that come here. */
  | { readonly kind: "fixed"; readonly text: string };

/** The key of one limit, for requests of one route to one pool. */
export class RequestKey {
  readonly #parts: readonly Part[];
  readonly #secret: HashSecret;
  readonly #ipv4Bits: number;
  readonly #ipv6Bits: number;
  /** The hashes of all parts, of which that of the key is made. Those of fixed ones stay. */
  readonly #hashes: Buffer;
  readonly #fixed: KeyHash | null = null;

  /** @param pool its name; empty = requests go to none. */
  constructor(
    spec: Pick<RateLimitSpec, "key" | "ipv4Prefix" | "ipv6Prefix">,
    route: string,
    pool: string,
    secret: HashSecret,
  ) {
    this.#secret = secret;
    this.#ipv4Bits = IPV4_OFFSET + spec.ipv4Prefix;
    this.#ipv6Bits = spec.ipv6Prefix;
    this.#parts = spec.key.map((part): Part => {
      if (part.kind === "client_ip") return { kind: "client_ip" };
      if (part.kind === "route") return { kind: "fixed", text: `route ${route}` };
      if (part.kind === "pool") return { kind: "fixed", text: `pool ${pool}` };
      return { kind: part.kind, name: Buffer.from(part.name, "latin1") };
    });
    this.#hashes = Buffer.alloc(this.#parts.length * HASH_BYTES);
    for (const [index, part] of this.#parts.entries()) {
      if (part.kind !== "fixed") continue;
      const text = Buffer.from(part.text);
      halfSipHash(secret, text, 0, text.length, partHash);
      this.#keep(index);
    }
    if (this.#parts.every(({ kind }) => kind === "fixed")) {
      this.#fixed = new KeyHash();
      halfSipHash(secret, this.#hashes, 0, this.#hashes.length, this.#fixed);
    }
  }

  /** The hash of the key of this request, whose head was parsed to `head`. */
  hash(request: LimitedHead, head: RequestHead, out: KeyHash): void {
    const fixed = this.#fixed;
    if (fixed !== null) {
      out.hi = fixed.hi;
      out.lo = fixed.lo;
      return;
    }
    const parts = this.#parts;
    if (parts.length === 1) {
      this.#hashPart(parts[0], request, head, out);
      return;
    }
    for (let i = 0; i < parts.length; i++) {
      if (parts[i].kind === "fixed") continue;
      this.#hashPart(parts[i], request, head, partHash);
      this.#keep(i);
    }
    halfSipHash(this.#secret, this.#hashes, 0, this.#hashes.length, out);
  }

  /** The key as people see it: nothing of an API key or a cookie but the beginning of its SHA-256. */
  describe(request: LimitedHead, head: RequestHead): string {
    if (this.#parts.length === 0) return "all requests";
    return this.#parts.map((part) => this.#describePart(part, request, head)).join(", ");
  }

  #keep(index: number): void {
    this.#hashes.writeInt32LE(partHash.hi | 0, index * HASH_BYTES);
    this.#hashes.writeInt32LE(partHash.lo | 0, index * HASH_BYTES + WORD_BYTES);
  }

  #hashPart(part: Part, request: LimitedHead, head: RequestHead, out: KeyHash): void {
    const { headBuffer, clientAddress } = request;
    if ("name" in part && findValue(part.kind, part.name, headBuffer, head)) {
      halfSipHash(this.#secret, headBuffer, found.start, found.end, out);
      return;
    }
    // Without the field or the cookie it is the address that counts: who leaves it out gets no more than others.
    const family = readAddress(clientAddress, clientAddress.length, address);
    if (family === 0) {
      halfSipHash(this.#secret, clientAddress, 0, clientAddress.length, out);
      return;
    }
    maskAddress(address, family === 4 ? this.#ipv4Bits : this.#ipv6Bits);
    halfSipHash(this.#secret, address, 0, ADDRESS_BYTES, out);
  }

  #describePart(part: Part, request: LimitedHead, head: RequestHead): string {
    if (part.kind === "fixed") return part.text;
    const { headBuffer, clientAddress } = request;
    if ("name" in part && findValue(part.kind, part.name, headBuffer, head)) {
      const name = part.name.toString("latin1");
      if (part.kind === "header") {
        const end = Math.min(found.end, found.start + SHOWN_CHARACTERS);
        return `${name} ${headBuffer.toString("latin1", found.start, end)}`;
      }
      const digest = createHash("sha256").update(headBuffer.subarray(found.start, found.end)).digest("hex");
      return `${name} sha256:${digest.slice(0, SHOWN_DIGITS)}`;
    }
    return this.#describeAddress(clientAddress);
  }

  #describeAddress(text: Buffer): string {
    const family = readAddress(text, text.length, address);
    if (family === 0) return text.toString("latin1", 0, Math.min(text.length, SHOWN_CHARACTERS));
    maskAddress(address, family === 4 ? this.#ipv4Bits : this.#ipv6Bits);
    const bits = family === 4 ? this.#ipv4Bits - IPV4_OFFSET : this.#ipv6Bits;
    const shown = ipaddr.fromByteArray([...(family === 4 ? address.subarray(IPV4_OFFSET / 8) : address)]).toString();
    return bits === (family === 4 ? 32 : 128) ? shown : `${shown}/${bits}`;
  }
}

/** Where the value of the first field or cookie of that name is, in `found`. */
function findValue(kind: NamedRateLimitKey["kind"], name: Buffer, buf: Buffer, head: RequestHead): boolean {
  if (kind === "cookie") return findCookie(buf, head, name, found);
  for (let i = 0; i < head.fieldCount; i++) {
    if (!isField(buf, head, i, name)) continue;
    const at = i * FIELD_STRIDE;
    found.start = head.fields[at + FieldPart.VALUE_START];
    found.end = head.fields[at + FieldPart.VALUE_END];
    return found.end > found.start;
  }
  return false;
}
