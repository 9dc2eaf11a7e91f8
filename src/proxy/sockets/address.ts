/** Socket addresses as the kernel writes them: `sockaddr_in` (ip(7)) and `sockaddr_in6` (ipv6(7)). */
import { isIPv4, isIPv6 } from "node:net";
import { Kernel, type Libc } from "./libc.ts";

const { AF_INET, AF_INET6 } = Kernel;

const IPV4_BYTES = 16;
const IPV6_BYTES = 28;
/** INET6_ADDRSTRLEN. */
const TEXT_BYTES = 46;
const PORT_AT = 2;
const IPV4_AT = 4;
const IPV6_AT = 8;

/** An address and a port, packed for the kernel. */
export interface PackedAddress {
  readonly family: number;
  readonly bytes: Uint8Array;
}

/** Packs a numeric address; null for what is none, such as a name or an address with a scope. */
export function packAddress(libc: Libc, host: string, port: number): PackedAddress | null {
  const family = isIPv4(host) ? AF_INET : isIPv6(host) ? AF_INET6 : 0;
  if (family === 0) return null;
  const bytes = new Uint8Array(family === AF_INET ? IPV4_BYTES : IPV6_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(PORT_AT, port, false);
  const numbers = bytes.subarray(family === AF_INET ? IPV4_AT : IPV6_AT);
  if (libc.call.inet_pton(family, Buffer.from(`${host}\0`), numbers) !== 1) return null;
  return { family, bytes };
}

/** Receives addresses from the kernel; the last one's text is kept, for the next is often the same. */
export class AddressBuffer {
  readonly #libc: Libc;
  readonly bytes = new Uint8Array(IPV6_BYTES);
  readonly length = new Uint32Array(1);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #text = Buffer.alloc(TEXT_BYTES);
  #last = new Uint8Array(0);
  #lastText = "";

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Before each call that fills it. */
  reset(): void {
    this.length[0] = IPV6_BYTES;
  }

  get port(): number {
    return this.#view.getUint16(PORT_AT, false);
  }

  /** The address alone, as `inet_ntop` writes it. */
  get text(): string {
    const family = this.#view.getUint16(0, true);
    const start = family === AF_INET ? IPV4_AT : IPV6_AT;
    const end = start + (family === AF_INET ? 4 : 16);
    if (this.#isLast(start, end)) return this.#lastText;
    const numbers = this.bytes.slice(start, end);
    if (this.#libc.call.inet_ntop(family, numbers, this.#text, TEXT_BYTES) === null) return "";
    this.#last = numbers;
    this.#lastText = this.#text.toString("latin1", 0, this.#text.indexOf(0));
    return this.#lastText;
  }

  #isLast(start: number, end: number): boolean {
    const last = this.#last;
    if (last.length !== end - start) return false;
    for (let i = 0; i < last.length; i++) if (last[i] !== this.bytes[start + i]) return false;
    return true;
  }
}
