/** What a request sticks to under `consistent_hash` (`HASH_ON`): the client's address, a field or a cookie, hashed. */
import { hashBytes, hashString } from "../../balancing/hash.ts";
import { CHAR_CLASS, EQUALS, OWS, SEMICOLON } from "../http1/char-class.ts";
import { equalBytes } from "../http1/copy.ts";
import { FieldId } from "../http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type RequestHead } from "../http1/head.ts";
import { fieldValues, isField } from "../http1/header-text.ts";
import { type ForwardedElement, forwardedElements, forwardedForAddresses } from "../rewrite/forwarded.ts";
import type { Peer } from "../rewrite/request.ts";
import type { TrustedProxies } from "../rewrite/trusted-proxies.ts";

export type StickyKey = (buf: Buffer, head: RequestHead, peer: Peer) => number;

/**
 * The function that `hashOn` names: `client_ip`, `header:<name>` or `cookie:<name>`. A request without the field or the
 * cookie is hashed by its client's address, so that it still goes to one place. Throws on anything else.
 */
export function createStickyKey(hashOn: string, trustedProxies: TrustedProxies): StickyKey {
  const byAddress: StickyKey = (buf, head, peer) => hashString(clientAddressOf(buf, head, peer, trustedProxies));
  if (hashOn === "client_ip") return byAddress;
  const [kind, name = ""] = hashOn.split(/:(.*)/s);
  if (name !== "" && kind === "header") {
    const wanted = Buffer.from(name.toLowerCase(), "latin1");
    return (buf, head, peer) => headerHash(buf, head, wanted) ?? byAddress(buf, head, peer);
  }
  if (name !== "" && kind === "cookie") {
    const wanted = Buffer.from(name, "latin1");
    return (buf, head, peer) => cookieHash(buf, head, wanted) ?? byAddress(buf, head, peer);
  }
  throw new Error(`HASH_ON is "${hashOn}": use client_ip, header:<name> or cookie:<name>`);
}

/** Where a trusted peer says who the client is. */
export const CLIENT_ADDRESS_BITS = (1 << FieldId.X_FORWARDED_FOR) | (1 << FieldId.FORWARDED);

/**
 * The client's address: the peer's, or what a trusted peer says of it. Where there are both fields X-Forwarded-For counts:
 * that is the one that nearly all proxies write.
 */
export function clientAddressOf(buf: Buffer, head: RequestHead, peer: Peer, trusted: TrustedProxies): string {
  if (!peer.trusted || (head.seen & CLIENT_ADDRESS_BITS) === 0) return peer.address;
  const list = fieldValues(buf, head, FieldId.X_FORWARDED_FOR).join(",");
  if (list !== "") return trusted.clientAddress(peer.address, forwardedForAddresses(list));
  const elements = forwardedElements(fieldValues(buf, head, FieldId.FORWARDED).join(","));
  return trusted.clientAddress(peer.address, elements.map(addressOf));
}

function addressOf({ address }: ForwardedElement): string {
  return address;
}

function headerHash(buf: Buffer, head: RequestHead, name: Buffer): number | undefined {
  for (let i = 0; i < head.fieldCount; i++) {
    if (!isField(buf, head, i, name)) continue;
    const at = i * FIELD_STRIDE;
    return hashBytes(buf, head.fields[at + FieldPart.VALUE_START], head.fields[at + FieldPart.VALUE_END]);
  }
  return undefined;
}

/** Where a cookie's value is, as offsets. */
export class CookieValue {
  start = 0;
  end = 0;
}

/** Where the last one was found: used again for the next one. */
const found = new CookieValue();

function cookieHash(buf: Buffer, head: RequestHead, name: Buffer): number | undefined {
  return findCookie(buf, head, name, found) ? hashBytes(buf, found.start, found.end) : undefined;
}

/**
 * Finds the first cookie of that name. Reads the pairs where they lie: a client may send thousands of them.
 * @param value is told where it is.
 */
export function findCookie(buf: Buffer, head: RequestHead, name: Buffer, value: CookieValue): boolean {
  for (let i = 0; i < head.fieldCount; i++) {
    if (head.ids[i] !== FieldId.COOKIE) continue;
    const end = head.fields[i * FIELD_STRIDE + FieldPart.VALUE_END];
    let pos = head.fields[i * FIELD_STRIDE + FieldPart.VALUE_START];
    while (pos < end) {
      pos = skipSpace(buf, pos, end);
      const nameEnd = pos + name.length;
      // Most names differ in their first byte.
      if (nameEnd < end && buf[pos] === name[0] && equalBytes(buf, pos, nameEnd, name)) {
        const equals = skipSpace(buf, nameEnd, end);
        if (equals < end && buf[equals] === EQUALS) {
          value.start = skipSpace(buf, equals + 1, end);
          value.end = trimSpace(buf, value.start, endOfPair(buf, equals + 1, end));
          return true;
        }
      }
      pos = endOfPair(buf, pos, end) + 1;
    }
  }
  return false;
}

function endOfPair(buf: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && buf[at] !== SEMICOLON) at++;
  return at;
}

/** The first of `buf[start, end)` that is no white space. */
function skipSpace(buf: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (CHAR_CLASS[buf[at]] & OWS) !== 0) at++;
  return at;
}

/** Where `buf[start, end)` ends without white space. */
function trimSpace(buf: Buffer, start: number, end: number): number {
  let at = end;
  while (at > start && (CHAR_CLASS[buf[at - 1]] & OWS) !== 0) at--;
  return at;
}
