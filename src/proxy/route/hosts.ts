/**
 * Which routes may take a request by its host. Hosts with the same routes to ask, in the same order, are a level: one for
 * each exact name, one for each wildcard, and `ANY_HOST` for routes without a host. A level knows the next one that fits
 * whatever fits it, so that the levels to ask are found by one look-up.
 */
import { COLON, DOT, LEFT_BRACKET, PERCENT, RIGHT_BRACKET } from "../http1/char-class.ts";

/** The level of routes without a host; it is always there. */
export const ANY_HOST = 0;
/** The host has a percent-encoded octet: who compares names as they stand reads another host than who decodes them. */
export const ENCODED_HOST = -1;

const WILDCARD = "*.";
const ENCODER = new TextEncoder();
/** FNV-1a, 32 bits. */
const SEED = 0x811c9dc5;
const PRIME = 0x01000193;

/** Each byte in lower case, if it is a letter. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte));

interface Table {
  /** Level for a hash; 0 = none. Its length is a power of two. */
  readonly slots: Int32Array;
}

/** The hosts of all routes. */
export class Hosts {
  /** As they were given; the first, of `ANY_HOST`, is empty. */
  readonly names: readonly string[];
  /** By level: the next one to ask; -1 after `ANY_HOST`. Every level's is less specific. */
  readonly next: Int32Array;
  /** By level: the name, or what follows `*.`. */
  readonly #bytes: readonly Uint8Array[];
  readonly #exact: Table;
  readonly #wildcards: Table;
  readonly #levels: ReadonlyMap<string, number>;
  readonly #hasNames: boolean;
  readonly #hasWildcards: boolean;

  /** @param hosts lower case, without a port; what occurs several times is one level. */
  constructor(hosts: Iterable<string>) {
    const names = ["", ...new Set(Array.from(hosts, (host) => host.toLowerCase()))];
    this.names = names;
    this.#levels = new Map(names.map((name, level) => [name, level]));
    this.#bytes = names.map((name) => ENCODER.encode(isWildcard(name) ? name.slice(WILDCARD.length) : name));
    this.#hasNames = names.length > 1;
    this.#hasWildcards = names.some(isWildcard);
    this.#exact = this.#fill((name) => !isWildcard(name));
    this.#wildcards = this.#fill(isWildcard);
    this.next = Int32Array.from(names, (name, level) => (level === ANY_HOST ? -1 : this.#nextOf(name)));
  }

  /** The level of a name that was given. */
  levelOf(name: string): number {
    return this.#levels.get(name.toLowerCase()) ?? ANY_HOST;
  }

  /**
   * The most specific level for the authority `buf[start, end)`, of which a port and dots at the end do not count: more than
   * one are no name, but servers may put up with them.
   * `ENCODED_HOST` if hosts matter and this one is not to be read safely.
   */
  find(buf: Uint8Array, start: number, end: number): number {
    if (!this.#hasNames || start === end) return ANY_HOST;
    let stop = hostEnd(buf, start, end);
    while (stop - start > 1 && buf[stop - 1] === DOT) stop--;
    // From behind: on the way to the hash of the name, those of all that may follow `*.` are passed.
    let hash = SEED;
    let level = ANY_HOST;
    for (let at = stop - 1; at >= start; at--) {
      const byte = LOWER[buf[at]];
      if (byte === PERCENT) return ENCODED_HOST;
      if (byte === DOT && this.#hasWildcards && at > start) {
        const wildcard = this.#lookUp(this.#wildcards, hash, buf, at + 1, stop);
        if (wildcard !== 0) level = wildcard;
      }
      hash = Math.imul(hash ^ byte, PRIME);
    }
    const exact = this.#lookUp(this.#exact, hash, buf, start, stop);
    return exact === 0 ? level : exact;
  }

  #lookUp({ slots }: Table, hash: number, buf: Uint8Array, start: number, end: number): number {
    const mask = slots.length - 1;
    for (let at = mixed(hash) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const level = slots[at];
      if (equalsLower(buf, start, end, this.#bytes[level])) return level;
    }
    return 0;
  }

  #fill(belongs: (name: string) => boolean): Table {
    const slots = new Int32Array(2 ** Math.ceil(Math.log2(this.names.length * 2 + 2)));
    for (let level = 1; level < this.names.length; level++) {
      if (!belongs(this.names[level])) continue;
      const bytes = this.#bytes[level];
      let hash = SEED;
      for (let i = bytes.length - 1; i >= 0; i--) hash = Math.imul(hash ^ bytes[i], PRIME);
      let at = mixed(hash) & (slots.length - 1);
      while (slots[at] !== 0) at = (at + 1) & (slots.length - 1);
      slots[at] = level;
    }
    return { slots };
  }

  /** The longest wildcard that fits all that `name` fits, but is another one. */
  #nextOf(name: string): number {
    let dot = name.indexOf(".", isWildcard(name) ? WILDCARD.length : 1);
    for (; dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const level = this.#levels.get(`*${name.slice(dot)}`);
      if (level !== undefined) return level;
    }
    return ANY_HOST;
  }
}

function isWildcard(name: string): boolean {
  return name.startsWith(WILDCARD);
}

/** Where the host ends and its port may begin. */
function hostEnd(buf: Uint8Array, start: number, end: number): number {
  let at = start;
  if (buf[at] === LEFT_BRACKET) while (at < end && buf[at] !== RIGHT_BRACKET) at++;
  while (at < end && buf[at] !== COLON) at++;
  return at;
}

function equalsLower(buf: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) if (LOWER[buf[start + i]] !== lower[i]) return false;
  return true;
}

/** The high bits of a product are better than its low ones. */
function mixed(hash: number): number {
  return hash ^ (hash >>> 15);
}
