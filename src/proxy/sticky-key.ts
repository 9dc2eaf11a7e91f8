/** What a request sticks to under `consistent_hash` (`HASH_ON`): the client's address, a field or a cookie, hashed. */
import { hashBytes, hashString } from "../balancing/hash.ts";
import { FieldId } from "./http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type RequestHead } from "./http1/head.ts";
import type { Peer } from "./rewrite-request.ts";
import { fieldValues } from "./rewrite-request.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

export type StickyKey = (buf: Buffer, head: RequestHead, peer: Peer) => number;

/**
 * The function that `hashOn` names: `client_ip`, `header:<name>` or `cookie:<name>`. A request without the field or the
 * cookie is hashed by its client's address, so that it still goes to one place. Throws on anything else.
 */
export function createStickyKey(hashOn: string, trustedProxies: TrustedProxies): StickyKey {
  const byAddress: StickyKey = (buf, head, peer) => hashString(clientAddressOf(buf, head, peer, trustedProxies));
  if (hashOn === "client_ip") return byAddress;
  const [kind, name = ""] = hashOn.split(/:(.*)/s);
  if (name !== "" && kind === "header")
    return (buf, head, peer) => headerHash(buf, head, name) ?? byAddress(buf, head, peer);
  if (name !== "" && kind === "cookie")
    return (buf, head, peer) => cookieHash(buf, head, name) ?? byAddress(buf, head, peer);
  throw new Error(`HASH_ON is "${hashOn}": use client_ip, header:<name> or cookie:<name>`);
}

/** The client's address: the peer's, or what a trusted peer says of it. */
export function clientAddressOf(buf: Buffer, head: RequestHead, peer: Peer, trusted: TrustedProxies): string {
  if (!peer.trusted || !head.has(FieldId.X_FORWARDED_FOR)) return peer.address;
  return trusted.clientAddress(peer.address, fieldValues(buf, head, FieldId.X_FORWARDED_FOR).join(","));
}

function headerHash(buf: Buffer, head: RequestHead, name: string): number | undefined {
  const wanted = name.toLowerCase();
  for (let i = 0; i < head.fieldCount; i++) {
    const at = i * FIELD_STRIDE;
    const nameStart = head.fields[at + FieldPart.NAME_START];
    const nameEnd = head.fields[at + FieldPart.NAME_END];
    if (nameEnd - nameStart !== wanted.length) continue;
    if (buf.toString("latin1", nameStart, nameEnd).toLowerCase() !== wanted) continue;
    return hashBytes(buf, head.fields[at + FieldPart.VALUE_START], head.fields[at + FieldPart.VALUE_END]);
  }
  return undefined;
}

function cookieHash(buf: Buffer, head: RequestHead, name: string): number | undefined {
  for (const cookies of fieldValues(buf, head, FieldId.COOKIE)) {
    for (const pair of cookies.split(";")) {
      const equals = pair.indexOf("=");
      if (equals > 0 && pair.slice(0, equals).trim() === name) return hashString(pair.slice(equals + 1).trim());
    }
  }
  return undefined;
}
