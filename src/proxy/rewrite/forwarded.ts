/**
 * What proxies say of the client in `X-Forwarded-For` and `Forwarded` (RFC 7239). Both grow at their end, so they are read
 * from there, as far as what is said can be believed: a stranger may have written anything before it.
 */
import ipaddr from "ipaddr.js";

/** Hops that are looked at: more proxies than anybody has in a row, and a bound for the work. */
export const MAX_HOPS = 64;
/** A quoted IPv6 address in brackets, with a zone of no meaning here, and a port. */
const LONGEST_NODE = 64;
/** Longest element of `Forwarded` that is looked at. */
const LONGEST_ELEMENT = 1024;
/** A port is digits, or made up (RFC 7239 section 6.2). */
const PORT = /^:(?:\d{1,5}|_[A-Za-z0-9._-]+)$/;
/** One `name=value` of an element, with its semicolon. */
const PAIR = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;" \t]*))[ \t]*(?:;|$)/y;
/** Hosts that can be passed on as they are. */
const PLAIN_HOST = /^[A-Za-z0-9._:[\]-]{1,255}$/;

/** One hop of `Forwarded`. Empty = not said, or not in a form that can be used. */
export interface ForwardedElement {
  /** The address that the request came from. */
  readonly address: string;
  readonly proto: string;
  readonly host: string;
}

/**
 * The address in a node identifier, without a port, brackets and quotes: `203.0.113.7`, `203.0.113.7:51234`,
 * `[2001:db8::1]:443`, `"[2001:db8::1]"`, `2001:db8::1`. Null for `unknown`, made-up identifiers and anything else.
 */
function nodeAddress(text: string): string | null {
  let node = text.trim();
  if (node.length > LONGEST_NODE) return null;
  if (node.startsWith('"') && node.endsWith('"')) node = node.slice(1, -1).trim();
  if (node.startsWith("[")) {
    const close = node.indexOf("]");
    if (close < 0 || !isPortOrNothing(node.slice(close + 1))) return null;
    node = node.slice(1, close);
    return isIpv6(node) ? withoutMapping(node) : null;
  }
  const colon = node.indexOf(":");
  if (colon >= 0 && colon === node.lastIndexOf(":")) {
    if (!isPortOrNothing(node.slice(colon))) return null;
    node = node.slice(0, colon);
  }
  if (ipaddr.IPv4.isValidFourPartDecimal(node)) return node;
  return isIpv6(node) ? withoutMapping(node) : null;
}

/** The addresses of `X-Forwarded-For`, the nearest first, up to the first entry that names none. */
export function* forwardedForAddresses(text: string): Generator<string> {
  let end = text.length;
  for (let hop = 0; hop < MAX_HOPS && end >= 0; hop++) {
    const comma = end === 0 ? -1 : text.lastIndexOf(",", end - 1);
    const address = nodeAddress(text.slice(comma + 1, end));
    if (address === null) return;
    yield address;
    end = comma;
  }
}

/** The elements of `Forwarded`, the nearest first, up to the first that names no address. */
export function* forwardedElements(text: string): Generator<ForwardedElement> {
  let end = text.length;
  for (let hop = 0; hop < MAX_HOPS && end >= 0; hop++) {
    const comma = commaBefore(text, end);
    const element = end - comma > LONGEST_ELEMENT ? null : readElement(text.slice(comma + 1, end));
    if (element === null) return;
    yield element;
    end = comma;
  }
}

/** The last comma before `end` that is in no quoted string; -1 = none. No farther than an element may be long. */
function commaBefore(text: string, end: number): number {
  let quoted = false;
  const first = Math.max(0, end - LONGEST_ELEMENT - 1);
  for (let i = end - 1; i >= first; i--) {
    const character = text[i];
    if (character === '"' && !isEscaped(text, i)) quoted = !quoted;
    else if (character === "," && !quoted) return i;
  }
  return -1;
}

/** An odd number of backslashes stands before it. No more than a few are counted: nobody needs them. */
function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (backslashes < 8 && text[at - 1 - backslashes] === "\\") backslashes++;
  return backslashes % 2 === 1;
}

/** Null when it names no address. */
function readElement(text: string): ForwardedElement | null {
  let address: string | null = null;
  let proto = "";
  let host = "";
  PAIR.lastIndex = 0;
  for (let pair = PAIR.exec(text); pair !== null; pair = PAIR.exec(text)) {
    const [, name, quoted, plain] = pair;
    const value = plain ?? quoted.replace(/\\(.)/g, "$1");
    switch (name.toLowerCase()) {
      case "for":
        address = nodeAddress(value);
        break;
      case "proto":
        if (/^https?$/i.test(value)) proto = value.toLowerCase();
        break;
      case "host":
        if (PLAIN_HOST.test(value)) host = value;
    }
  }
  return address === null ? null : { address, proto, host };
}

function isPortOrNothing(text: string): boolean {
  return text === "" || PORT.test(text);
}

function isIpv6(text: string): boolean {
  return !text.includes("%") && text.includes(":") && ipaddr.IPv6.isValid(text);
}

/** As the log shows addresses: an IPv4 address that is written as IPv6 is an IPv4 address. */
function withoutMapping(address: string): string {
  const plain = address.toLowerCase().startsWith("::ffff:") ? address.slice(7) : "";
  return ipaddr.IPv4.isValidFourPartDecimal(plain) ? plain : address;
}
