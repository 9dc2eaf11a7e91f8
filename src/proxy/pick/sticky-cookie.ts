/**
 * Sessions that stay at one server by a cookie: its value says which server, signed, and is given with the response of the
 * server that answered.
 *
 * - The value is an HMAC-SHA-256 of what the server is outside this run (its URL and address, as for `consistent_hash`): nobody
 *   can make one without a key, it tells nothing of the server, and it is the same after restarts and at every instance that has
 *   the key. Half of it is enough: 128 bits.
 * - The first key signs, the others are believed: a client that comes with the cookie of an old key is given that of the new one.
 * - Values are worked out when servers or keys change, so a request costs one lookup of bytes.
 */
import { createHmac } from "node:crypto";
import { hashBytes } from "../../balancing/hash.ts";
import type { Endpoint } from "../../protocol/endpoint.ts";
import type { PoolSettings } from "../../protocol/pool.ts";
import { equalBytes } from "../http1/copy.ts";
import type { RequestHead } from "../http1/head.ts";
import type { StickyServer } from "./picker.ts";
import { CookieValue, findCookie } from "./sticky-key.ts";

/** The settings that matter here. */
export type StickySettings = Pick<
  PoolSettings,
  "stickyCookie" | "stickyKeys" | "stickyMaxAgeMs" | "stickySameSite" | "stickySecure"
>;

/** 128 bits in base64url. */
const VALUE_LENGTH = 22;
const SAME_SITE = { lax: "Lax", strict: "Strict", none: "None" } as const;

/** A value of the cookie, and whom it names. */
export interface Ticket extends StickyServer {
  readonly value: Buffer;
  /** Signed with the first key. */
  readonly current: boolean;
  /** Of the same hash. */
  readonly next: Ticket | undefined;
}

/** Lines that give the cookie of one server. */
interface CookieLines {
  readonly secure: Buffer;
  readonly plain: Buffer;
}

/** One pool's. */
export class StickyCookie {
  readonly #name: Buffer;
  readonly #keys: readonly string[];
  readonly #settings: StickySettings;
  #tickets: ReadonlyMap<number, Ticket> = new Map();
  #lines: ReadonlyMap<number, CookieLines> = new Map();

  private constructor(name: string, keys: readonly string[], settings: StickySettings) {
    this.#name = Buffer.from(name, "latin1");
    this.#keys = keys;
    this.#settings = settings;
  }

  /** `null` where the pool has none. */
  static of(settings: StickySettings): StickyCookie | null {
    const { stickyCookie, stickyKeys } = settings;
    return stickyCookie === null || stickyKeys === null ? null : new StickyCookie(stickyCookie, stickyKeys, settings);
  }

  /** These are the pool's servers. */
  setServers(servers: readonly Pick<Endpoint, "slot" | "id" | "url" | "address">[]): void {
    const tickets = new Map<number, Ticket>();
    const lines = new Map<number, CookieLines>();
    for (const { slot, id, url, address } of servers) {
      for (const [index, key] of this.#keys.entries()) {
        const value = sign(`${url} ${address}`, key);
        const hash = hashBytes(value);
        tickets.set(hash, { slot, id, value, current: index === 0, next: tickets.get(hash) });
        if (index === 0) lines.set(id, this.#linesOf(value.toString("latin1")));
      }
    }
    this.#tickets = tickets;
    this.#lines = lines;
  }

  /** The server that the cookie in `head` names, which was parsed from `buf`; `null` = none, or nobody that is known. */
  find(buf: Buffer, head: RequestHead): Ticket | null {
    if (!findCookie(buf, head, this.#name, found) || found.end - found.start !== VALUE_LENGTH) return null;
    let ticket = this.#tickets.get(hashBytes(buf, found.start, found.end));
    while (ticket !== undefined && !equalBytes(buf, found.start, found.end, ticket.value)) ticket = ticket.next;
    return ticket ?? null;
  }

  /** The line that gives the cookie of the server `id`. @param request `secure`: its client asked by HTTPS. */
  lineFor(id: number, request: { readonly secure: boolean }): Buffer | null {
    const lines = this.#lines.get(id);
    if (lines === undefined) return null;
    const { stickySecure } = this.#settings;
    return stickySecure === "on" || (stickySecure === "auto" && request.secure) ? lines.secure : lines.plain;
  }

  #linesOf(value: string): CookieLines {
    const { stickyMaxAgeMs, stickySameSite } = this.#settings;
    const age = stickyMaxAgeMs > 0 ? `; Max-Age=${Math.ceil(stickyMaxAgeMs / 1000)}` : "";
    const name = this.#name.toString("latin1");
    const line = `Set-Cookie: ${name}=${value}; Path=/; HttpOnly; SameSite=${SAME_SITE[stickySameSite]}${age}`;
    return { plain: Buffer.from(`${line}\r\n`, "latin1"), secure: Buffer.from(`${line}; Secure\r\n`, "latin1") };
  }
}

/** Where the last value was found: used again for the next one. */
const found = new CookieValue();

function sign(text: string, key: string): Buffer {
  const value = createHmac("sha256", key).update(text).digest("base64url").slice(0, VALUE_LENGTH);
  return Buffer.from(value, "latin1");
}
