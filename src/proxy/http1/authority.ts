/** `uri-host [ ":" port ]` (RFC 9110 section 4.2, RFC 3986 section 3.2), without userinfo. */
import {
  CHAR_CLASS,
  COLON,
  DIGIT,
  DOT,
  HEX,
  HOST_CHAR,
  LEFT_BRACKET,
  PERCENT,
  RIGHT_BRACKET,
  ZERO,
} from "./char-class.ts";

/**
 * Whether `buf[start, end)` is a non-empty host with an optional port (which may be empty, as in `example.com:`).
 * Stricter than the grammar in three things: no comma, no IPvFuture literal, no port above 65535.
 */
export function isAuthority(buf: Uint8Array, start: number, end: number): boolean {
  let pos = start;
  if (pos < end && buf[pos] === LEFT_BRACKET) {
    while (pos < end && buf[pos] !== RIGHT_BRACKET) pos++;
    if (pos === end || !isIpv6(buf, start + 1, pos)) return false;
    pos++;
  } else {
    while (pos < end && buf[pos] !== COLON) {
      if ((CHAR_CLASS[buf[pos]] & HOST_CHAR) === 0) {
        if (!isEscape(buf, pos, end)) return false;
        pos += 2;
      }
      pos++;
    }
    if (pos === start) return false;
  }
  return pos === end || (buf[pos] === COLON && isPort(buf, pos + 1, end));
}

function isEscape(buf: Uint8Array, pos: number, end: number): boolean {
  return (
    buf[pos] === PERCENT &&
    pos + 2 < end &&
    (CHAR_CLASS[buf[pos + 1]] & HEX) !== 0 &&
    (CHAR_CLASS[buf[pos + 2]] & HEX) !== 0
  );
}

function isPort(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start > 5) return false;
  let port = 0;
  for (let i = start; i < end; i++) {
    if ((CHAR_CLASS[buf[i]] & DIGIT) === 0) return false;
    port = port * 10 + (buf[i] - ZERO);
  }
  return port <= 65535;
}

/** `IPv6address`: eight groups, or fewer with one `::`, of which an IPv4 address may stand for the last two. */
function isIpv6(buf: Uint8Array, start: number, end: number): boolean {
  let groups = 0;
  let compressed = false;
  let pos = start;
  if (pos + 1 < end && buf[pos] === COLON && buf[pos + 1] === COLON) {
    compressed = true;
    pos += 2;
  }
  while (pos < end) {
    const group = pos;
    while (pos < end && (CHAR_CLASS[buf[pos]] & HEX) !== 0) pos++;
    if (pos < end && buf[pos] === DOT) {
      if (!isIpv4(buf, group, end)) return false;
      groups += 2;
      pos = end;
      break;
    }
    if (pos === group || pos - group > 4) return false;
    groups++;
    if (pos === end) break;
    if (buf[pos++] !== COLON || pos === end) return false;
    if (buf[pos] === COLON) {
      if (compressed) return false;
      compressed = true;
      pos++;
    }
  }
  return compressed ? groups < 8 : groups === 8;
}

function isIpv4(buf: Uint8Array, start: number, end: number): boolean {
  let pos = start;
  for (let octet = 0; octet < 4; octet++) {
    if (octet > 0 && buf[pos++] !== DOT) return false;
    const digits = pos;
    let value = 0;
    while (pos < end && (CHAR_CLASS[buf[pos]] & DIGIT) !== 0) value = value * 10 + (buf[pos++] - ZERO);
    const length = pos - digits;
    if (length === 0 || length > 3 || value > 255 || (length > 1 && buf[digits] === ZERO)) return false;
  }
  return pos === end;
}
