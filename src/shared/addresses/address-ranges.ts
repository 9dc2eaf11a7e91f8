/**
 * Sets of addresses, as CIDR ranges: sorted and merged when they are made, so that a question takes as many steps as the
 * number of ranges has bits, however many thousand there are. Pure.
 */
import ipaddr from "ipaddr.js";

/** Words of 32 bits in an address of each family. */
const WORDS = { ipv4: 1, ipv6: 4 } as const;
type Family = keyof typeof WORDS;

/** Ranges of one family: their first and last addresses, ascending and apart from each other. */
class FamilyRanges {
  readonly #words: number;
  readonly #firsts: Uint32Array;
  readonly #lasts: Uint32Array;
  readonly #count: number;

  /** @param ranges pairs of first and last address, each as words, in any order. */
  constructor(words: number, ranges: [first: Uint32Array, last: Uint32Array][]) {
    this.#words = words;
    const merged: typeof ranges = [];
    for (const [first, last] of ranges.sort(([a], [b]) => compare(a, 0, b))) {
      const previous = merged.at(-1);
      // Ranges of CIDR are inside each other or apart.
      if (previous === undefined || compare(previous[1], 0, first) < 0) merged.push([first, last]);
      else if (compare(previous[1], 0, last) < 0) previous[1] = last;
    }
    this.#count = merged.length;
    this.#firsts = new Uint32Array(merged.length * words);
    this.#lasts = new Uint32Array(merged.length * words);
    for (const [index, [first, last]] of merged.entries()) {
      this.#firsts.set(first, index * words);
      this.#lasts.set(last, index * words);
    }
  }

  includes(address: Uint32Array): boolean {
    const words = this.#words;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#firsts, middle * words, address) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && compare(this.#lasts, (low - 1) * words, address) >= 0;
  }
}

/** A set of addresses. IPv4 addresses that are written as IPv6 (RFC 4291 section 2.5.5.2) are IPv4 addresses. */
export class AddressRanges {
  readonly #ipv4: FamilyRanges;
  readonly #ipv6: FamilyRanges;
  readonly isEmpty: boolean;

  /** @param cidrs addresses or CIDR ranges, checked when the configuration was read. Throws on anything else. */
  constructor(cidrs: readonly string[]) {
    const found: Record<Family, [Uint32Array, Uint32Array][]> = { ipv4: [], ipv6: [] };
    for (const cidr of cidrs) {
      const [family, range] = rangeOf(cidr);
      found[family].push(range);
    }
    this.#ipv4 = new FamilyRanges(WORDS.ipv4, found.ipv4);
    this.#ipv6 = new FamilyRanges(WORDS.ipv6, found.ipv6);
    this.isEmpty = cidrs.length === 0;
  }

  /** Whether `address` is in it; what is no address is in none. */
  includes(address: string): boolean {
    if (this.isEmpty || !isAddress(address)) return false;
    const parsed = ipaddr.process(address);
    const ranges = parsed.kind() === "ipv4" ? this.#ipv4 : this.#ipv6;
    return ranges.includes(wordsOf(parsed));
  }
}

/** In the one form that systems have for it: the library reads `10.1` and `0x0a000001`, too. */
function isAddress(text: string): boolean {
  return text.includes(":") ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text);
}

function rangeOf(cidr: string): [Family, [Uint32Array, Uint32Array]] {
  const [network, length] = cidr.includes("/") ? ipaddr.parseCIDR(cidr) : [ipaddr.parse(cidr), 128];
  const mapped = network.kind() === "ipv6" && (network as ipaddr.IPv6).isIPv4MappedAddress() && length >= 96;
  const address = mapped ? (network as ipaddr.IPv6).toIPv4Address() : network;
  const family = address.kind();
  const words = WORDS[family];
  const bits = Math.min(mapped ? length - 96 : length, words * 32);
  const first = wordsOf(address);
  const last = first.slice();
  for (let i = 0; i < words; i++) {
    const fixed = Math.max(0, Math.min(32, bits - i * 32));
    const free = fixed === 0 ? 0xffff_ffff : fixed === 32 ? 0 : 0xffff_ffff >>> fixed;
    first[i] = (first[i] & ~free) >>> 0;
    last[i] = (last[i] | free) >>> 0;
  }
  return [family, [first, last]];
}

function wordsOf(address: ipaddr.IPv4 | ipaddr.IPv6): Uint32Array {
  const bytes = Uint8Array.from(address.toByteArray());
  const view = new DataView(bytes.buffer);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(i * 4));
}

/** As `-`: whether the words at `all[start]` are less than, equal to or greater than those of `one`. */
function compare(all: Uint32Array, start: number, one: Uint32Array): number {
  for (let i = 0; i < one.length; i++) {
    const difference = all[start + i] - one[i];
    if (difference !== 0) return difference;
  }
  return 0;
}
