/**
 * The request head that a server gets: the client's bytes in the client's order, without hop-by-hop fields
 * (RFC 9110 section 7.6.1) and without forwarding fields that the client may not set, and with ours added.
 */

import { CHAR_CLASS, COMMA, OWS, TOKEN } from "../http1/char-class.ts";
import { copyAll, copyBytes, equalBytes } from "../http1/copy.ts";
import { FieldId, FORWARDING_MASK, HOP_BY_HOP_MASK } from "../http1/field-names.ts";
import { isWord } from "../http1/framing.ts";
import { FIELD_STRIDE, FieldPart, type RequestHead, TargetForm } from "../http1/head.ts";
import { fieldValues } from "../http1/header-text.ts";
import type { ClientCertificate } from "../sockets/client-certificate.ts";
import type { HeadEdits } from "./edits.ts";
import { FRAMING_BITS, writeFields, writeFraming } from "./fields.ts";
import { forwardedElements } from "./forwarded.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** Name in `Via` and `Proxy-Status`. */
export const PROXY_NAME = "neurabalancer";

const HTTP_1_1_LINE_END = Buffer.from(" HTTP/1.1\r\n");
const HOST = Buffer.from("Host: ");
const CRLF = Buffer.from("\r\n");
const REQUEST_ID = Buffer.from("X-Request-Id: ");
const TRACEPARENT = Buffer.from("traceparent: ");
const CONNECTION_UPGRADE = Buffer.from("Connection: Upgrade\r\n");
/** RFC 9110 section 10.1.4: TE is for the next hop alone, and says so. */
const TE_TRAILERS = Buffer.from("TE: trailers\r\nConnection: TE\r\n");
const TE_TRAILERS_UPGRADE = Buffer.from("TE: trailers\r\nConnection: TE, Upgrade\r\n");
const WORD_TRAILERS = Buffer.from("trailers");
/** The forwarding fields end with it: where servers are not told of this proxy, it is not copied. */
const VIA_BYTES = `Via: 1.1 ${PROXY_NAME}\r\n`.length;

/** From a trusted peer all stays; X-Forwarded-For is written anew, with the peer's address at its end. */
const EXTENDED = 1 << FieldId.X_FORWARDED_FOR;
const UPGRADE_BIT = 1 << FieldId.UPGRADE;
const TRACEPARENT_BIT = 1 << FieldId.TRACEPARENT;
const TRACESTATE_BIT = 1 << FieldId.TRACESTATE;
const HOST_BIT = 1 << FieldId.HOST;
const EXPECT_BIT = 1 << FieldId.EXPECT;

/** Hosts beyond this are longer than any name with its port: nothing that was made of one is kept. */
const MAX_KEPT_HOST_BYTES = 264;
/** Bytes that one peer keeps, its objects included. */
export const MAX_PEER_BYTES = 2048;

/** The other end of a client connection, as servers and the log are told of it. */
export class Peer {
  readonly address: string;
  readonly addressBytes: Buffer;
  readonly trusted: boolean;
  readonly secure: boolean;
  #block: Buffer = CRLF;
  #blockHost: Buffer = CRLF;
  #blockVersion = -1;
  /** What it has shown in TLS and was verified; null = nothing, as it was not asked. */
  readonly certificate: ClientCertificate | null = null;
  /** A line about its certificate, where it has one of ours to say. */
  protected get certificateLine(): string {
    return "";
  }
  /** What a trusted peer may not say, because we do; null = nothing more than always. */
  get ownFields(): HeadEdits | null {
    return null;
  }

  constructor(address: string, secure: boolean, trustedProxies: TrustedProxies) {
    this.address = address.startsWith("::ffff:") ? address.slice(7) : address;
    this.addressBytes = Buffer.from(this.address);
    this.trusted = trustedProxies.includes(this.address);
    this.secure = secure;
  }

  /**
   * The forwarding fields for a request to `buf[hostStart … hostEnd)`, with `Via` at their end. They are the same for almost
   * all requests of a connection, so the last ones are kept.
   */
  forwardingFields(buf: Buffer, hostStart: number, hostEnd: number, versionMinor: number): Buffer {
    if (versionMinor === this.#blockVersion && equalBytes(buf, hostStart, hostEnd, this.#blockHost)) return this.#block;
    const host = buf.toString("latin1", hostStart, hostEnd);
    const hostLine = host === "" ? "" : `X-Forwarded-Host: ${host}\r\n`;
    const block = Buffer.from(
      `X-Forwarded-For: ${this.address}\r\nX-Forwarded-Proto: ${this.#protocol}\r\n${hostLine}` +
        `Forwarded: ${this.#forwardedElement(host)}\r\n${this.certificateLine}${viaLine(versionMinor)}`,
      "latin1",
    );
    if (host.length <= MAX_KEPT_HOST_BYTES) {
      this.#blockHost = Buffer.from(host, "latin1");
      this.#blockVersion = versionMinor;
      this.#block = block;
    }
    return block;
  }

  /** The forwarding fields when this peer is trusted: what it said is extended, not replaced. */
  extendedForwardingFields(buf: Buffer, head: RequestHead): Buffer {
    const host = buf.toString("latin1", head.hostStart, head.hostEnd);
    let earlier = fieldValues(buf, head, FieldId.X_FORWARDED_FOR);
    let proto = this.#protocol;
    let forwardedHost = host;
    if (earlier.length === 0 && head.has(FieldId.FORWARDED)) {
      // It says the same in the standard's words: servers that read the other fields are told what it says.
      const elements = [...forwardedElements(fieldValues(buf, head, FieldId.FORWARDED).join(","))].reverse();
      earlier = elements.map(({ address }) => address);
      proto = elements[0]?.proto || proto;
      forwardedHost = elements[0]?.host || host;
    }
    let text = `X-Forwarded-For: ${[...earlier, this.address].join(", ")}\r\n`;
    if (!head.has(FieldId.X_FORWARDED_PROTO)) text += `X-Forwarded-Proto: ${proto}\r\n`;
    if (!head.has(FieldId.X_FORWARDED_HOST) && forwardedHost !== "") text += `X-Forwarded-Host: ${forwardedHost}\r\n`;
    text += `Forwarded: ${this.#forwardedElement(host)}\r\n${this.certificateLine}${viaLine(head.versionMinor)}`;
    return Buffer.from(text, "latin1");
  }

  get #protocol(): string {
    return this.secure ? "https" : "http";
  }

  /** RFC 7239 section 4: an IPv6 address and a host with a port are quoted. */
  #forwardedElement(host: string): string {
    const node = this.address.includes(":") ? `"[${this.address}]"` : this.address;
    const hostPart = host === "" ? "" : `;host="${host.replace(/["\\]/g, "\\$&")}"`;
    return `for=${node}${hostPart};proto=${this.#protocol}`;
  }
}

/** Of one length, whichever version. */
function viaLine(versionMinor: number): string {
  return `Via: 1.${versionMinor} ${PROXY_NAME}\r\n`;
}

/** How one request is to be rewritten, beside what its head says. */
export interface RequestRewrite {
  readonly peer: Peer;
  /**
   * Written in front of the path and query: what a part of the path, or all of it, has become; empty = nothing. It begins
   * with a slash.
   */
  readonly pathPrefix: Buffer;
  /** Where the path and query to forward begin and end in the buffer; they are inside the request target. */
  readonly pathStart: number;
  readonly pathEnd: number;
  /** Written instead of the client's `Host`; null = that is the server's business, too. */
  readonly host: Buffer | null;
  /** Written instead of `Host` when the client sent none (HTTP/1.0). */
  readonly fallbackHost: Buffer;
  /** What else is changed: never framing, hop-by-hop fields, and those that the proxy writes itself; null = nothing. */
  readonly edits: HeadEdits | null;
  /** Begins with 32 hexadecimal digits for `X-Request-Id`. */
  readonly ids: Buffer;
  /** Keep the client's request id: it came from a trusted peer. */
  readonly keepRequestId: boolean;
  /** The value of `traceparent`; null = what the client says of traces is passed on as it came. */
  readonly traceparent: Buffer | null;
  /** Its `tracestate` is of the trace that `traceparent` names. Only looked at beside that. */
  readonly keepTraceState: boolean;
  readonly upgrade: boolean;
}

/**
 * Writes the head for the server at the start of `out` and returns its length. `out` must have room for the client's
 * head twice and 2 KB more, and for what `how` adds.
 * @param via the server is told of this proxy in `Via`.
 */
export function writeRequestHead(
  out: Buffer,
  buf: Buffer,
  head: RequestHead,
  how: RequestRewrite,
  via: boolean,
): number {
  const { peer } = how;
  let at = copyBytes(out, 0, buf, head.methodStart, head.methodEnd + 1);
  if (how.pathPrefix.length > 0) at = copyAll(out, at, how.pathPrefix);
  else if (how.pathStart === how.pathEnd || buf[how.pathStart] === QUESTION_MARK) {
    // An absolute-form target without a path: the empty path is "/" (RFC 9110 section 4.2.3).
    if (head.targetForm !== TargetForm.ASTERISK) out[at++] = SLASH;
  }
  at = copyBytes(out, at, buf, how.pathStart, how.pathEnd);
  at = copyAll(out, at, HTTP_1_1_LINE_END);

  const hostAnew = how.host !== null || head.targetForm === TargetForm.ABSOLUTE;
  if (hostAnew || !head.has(FieldId.HOST)) at = writeHost(out, at, buf, head, how);
  at = writeFields(out, at, buf, head, droppedFields(head, how, hostAnew), how.edits);
  if (head.reframe) at = writeFraming(out, at, head);

  if (head.has(FieldId.TE) && wantsTrailers(buf, head)) {
    at = copyAll(out, at, how.upgrade ? TE_TRAILERS_UPGRADE : TE_TRAILERS);
  } else if (how.upgrade) at = copyAll(out, at, CONNECTION_UPGRADE);
  const forwarding = peer.trusted
    ? peer.extendedForwardingFields(buf, head)
    : peer.forwardingFields(buf, head.hostStart, head.hostEnd, head.versionMinor);
  at = copyBytes(out, at, forwarding, 0, via ? forwarding.length : forwarding.length - VIA_BYTES);
  if (!how.keepRequestId) {
    at = copyAll(out, at, REQUEST_ID);
    at = copyBytes(out, at, how.ids, 0, 32);
    at = copyAll(out, at, CRLF);
  }
  if (how.traceparent !== null) {
    at = copyAll(out, at, TRACEPARENT);
    at = copyAll(out, at, how.traceparent);
    at = copyAll(out, at, CRLF);
  }
  return copyAll(out, at, CRLF);
}

/** Whether TE says that trailers are welcome. A client of HTTP/1.0 gets no chunks that they could come behind. */
function wantsTrailers(buf: Buffer, head: RequestHead): boolean {
  if (head.versionMinor === 0) return false;
  for (let i = 0; i < head.fieldCount; i++) {
    if (head.ids[i] !== FieldId.TE) continue;
    const end = head.fields[i * FIELD_STRIDE + FieldPart.VALUE_END];
    let pos = head.fields[i * FIELD_STRIDE + FieldPart.VALUE_START];
    while (pos < end) {
      const start = pos;
      while (pos < end && (CHAR_CLASS[buf[pos]] & TOKEN) !== 0) pos++;
      if (isWord(buf, start, pos, WORD_TRAILERS)) return true;
      while (pos < end && buf[pos] !== COMMA) pos++;
      pos++;
      while (pos < end && (CHAR_CLASS[buf[pos]] & OWS) !== 0) pos++;
    }
  }
  return false;
}

const QUESTION_MARK = 63;
const SLASH = 47;

function writeHost(out: Buffer, start: number, buf: Buffer, head: RequestHead, how: RequestRewrite): number {
  let at = copyAll(out, start, HOST);
  if (how.host !== null) at = copyAll(out, at, how.host);
  else if (head.targetForm === TargetForm.ABSOLUTE) at = copyBytes(out, at, buf, head.hostStart, head.hostEnd);
  else at = copyAll(out, at, how.fallbackHost);
  return copyAll(out, at, CRLF);
}

/** Which fields are left out of the forwarded head, as bits of `1 << FieldId`. */
function droppedFields(head: RequestHead, how: RequestRewrite, hostAnew: boolean): number {
  let dropped = HOP_BY_HOP_MASK | (how.peer.trusted ? EXTENDED : FORWARDING_MASK);
  if (how.upgrade) dropped &= ~UPGRADE_BIT;
  if (how.traceparent !== null) dropped |= how.keepTraceState ? TRACEPARENT_BIT : TRACEPARENT_BIT | TRACESTATE_BIT;
  if (hostAnew) dropped |= HOST_BIT;
  if (head.reframe) dropped |= FRAMING_BITS;
  // A client of HTTP/1.0 can't mean an expectation (RFC 9110 section 10.1.1).
  if (head.versionMinor === 0) dropped |= EXPECT_BIT;
  if (!how.keepRequestId) dropped |= 1 << FieldId.X_REQUEST_ID;
  return dropped;
}
