/**
 * Small-integer identities of the fields that the proxy cares about, and how a name in a buffer becomes one: by its
 * length and first byte, then by comparing bytes. No string is made.
 */
import { UNDERSCORE } from "./char-class.ts";

/**
 * Identity of a field name. Identities below 32 have a bit in `MessageHead.seen`; the others are known only so that a
 * trailer section can refuse them.
 */
export const FieldId = {
  OTHER: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  KEEP_ALIVE: 5,
  PROXY_CONNECTION: 6,
  TE: 7,
  TRAILER: 8,
  UPGRADE: 9,
  EXPECT: 10,
  X_FORWARDED_FOR: 11,
  X_FORWARDED_PROTO: 12,
  X_FORWARDED_HOST: 13,
  FORWARDED: 14,
  VIA: 15,
  X_REQUEST_ID: 16,
  TRACEPARENT: 17,
  TRACESTATE: 18,
  COOKIE: 19,
  PROXY_AUTHENTICATE: 20,
  PROXY_AUTHORIZATION: 21,
  ENDPOINT_LOAD_METRICS: 22,
  ENDPOINT_LOAD_METRICS_BIN: 23,
  DATE: 24,
  SERVER: 25,
  RETRY_AFTER: 26,
  X_FORWARDED_PORT: 27,
  X_REAL_IP: 28,
  HTTP2_SETTINGS: 29,
  PROXY_STATUS: 30,
  /** Any other field by which proxies tell where a request comes from: see `FORWARDING_PREFIXES`. */
  X_FORWARDED_OTHER: 31,
  AUTHORIZATION: 32,
  SET_COOKIE: 33,
  CONTENT_TYPE: 34,
  CONTENT_ENCODING: 35,
  CONTENT_RANGE: 36,
  MAX_FORWARDS: 37,
} as const;

/** Identities below this have a bit in `MessageHead.seen`. */
export const SEEN_IDS = 32;

/**
 * Fields that a proxy keeps to one connection (RFC 9110 section 7.6.1, and those that others have treated so). Not
 * Transfer-Encoding and Trailer: chunked bodies are passed on with their framing, so these go with them.
 */
export const HOP_BY_HOP_MASK =
  (1 << FieldId.CONNECTION) |
  (1 << FieldId.KEEP_ALIVE) |
  (1 << FieldId.PROXY_CONNECTION) |
  (1 << FieldId.TE) |
  (1 << FieldId.UPGRADE) |
  (1 << FieldId.PROXY_AUTHENTICATE) |
  (1 << FieldId.PROXY_AUTHORIZATION) |
  (1 << FieldId.HTTP2_SETTINGS);

/** Fields by which a proxy tells who the client is and what it asked for: nobody else may set them. */
export const FORWARDING_MASK =
  (1 << FieldId.X_FORWARDED_FOR) |
  (1 << FieldId.X_FORWARDED_PROTO) |
  (1 << FieldId.X_FORWARDED_HOST) |
  (1 << FieldId.X_FORWARDED_PORT) |
  (1 << FieldId.X_REAL_IP) |
  (1 << FieldId.FORWARDED) |
  (1 << FieldId.X_FORWARDED_OTHER) |
  (1 << FieldId.X_REQUEST_ID);

const HYPHEN = 0x2d;
const LETTER_X = 0x78;

/** Lower-case names by identity: `X_REQUEST_ID` is `x-request-id`. Index 0 is the empty string. */
export const FIELD_NAMES: readonly string[] = buildNames();

/** What the names of forwarding fields begin with: applications believe whichever of them they know. */
const FORWARDING_PREFIXES = ["x-forwarded-", "x-original-", "x-real-"].map((text) => new TextEncoder().encode(text));
const SHORTEST_PREFIX = "x-real-".length;
/** Forwarding fields whose names begin otherwise. */
const OTHER_FORWARDING_NAMES = [
  "x-forwarded",
  "x-rewrite-url",
  "x-client-ip",
  "client-ip",
  "x-cluster-client-ip",
  "x-remote-ip",
  "x-remote-addr",
  "x-originating-ip",
  "x-host",
  "forwarded-for",
  "x-scheme",
  "x-url-scheme",
  "front-end-https",
  "x-neurabalancer-mirror",
  "client-cert",
  "client-cert-chain",
];

/** Known names: those with an identity of their own, then the others. */
const NAMES = [...FIELD_NAMES, ...OTHER_FORWARDING_NAMES];
const LONGEST = NAMES.reduce((longest, name) => Math.max(longest, name.length), 0);
/** All names, one after the other. */
const NAME_BYTES = new TextEncoder().encode(NAMES.join(""));
/** Where a name starts in `NAME_BYTES`. */
const NAME_OFFSET = buildOffsets();
/** First name for (length × 32 + low five bits of the first byte); 0 = none. */
const FIRST = new Uint8Array((LONGEST + 1) * 32);
/** Next name with the same length and first letter; 0 = none. */
const NEXT = new Uint8Array(NAMES.length);
for (let index = NAMES.length - 1; index > 0; index--) {
  const name = NAMES[index];
  const key = name.length * 32 + (name.charCodeAt(0) & 31);
  NEXT[index] = FIRST[key];
  FIRST[key] = index;
}

/** Identity of the field name `buf[start, end)`, which must be a non-empty token; letter case does not matter. */
export function fieldIdOf(buf: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let index = length > LONGEST ? 0 : FIRST[length * 32 + (buf[start] & 31)];
  while (index !== 0) {
    const id = index < FIELD_NAMES.length ? index : FieldId.X_FORWARDED_OTHER;
    if (hasBytes(buf, start, end, NAME_BYTES, NAME_OFFSET[index], id)) return id;
    index = NEXT[index];
  }
  // "x-", and longer than any prefix: all of them begin so.
  if ((buf[start] | 0x20) === LETTER_X && length > SHORTEST_PREFIX && hasForwardingPrefix(buf, start, length)) {
    return FieldId.X_FORWARDED_OTHER;
  }
  return FieldId.OTHER;
}

function hasForwardingPrefix(buf: Uint8Array, start: number, length: number): boolean {
  for (const prefix of FORWARDING_PREFIXES) {
    if (length > prefix.length && hasBytes(buf, start, start + prefix.length, prefix, 0, FieldId.X_FORWARDED_OTHER)) {
      return true;
    }
  }
  return false;
}

function isForwarding(id: number): boolean {
  return id < SEEN_IDS && (FORWARDING_MASK & (1 << id)) !== 0;
}

/**
 * Whether `buf[start, end)` is the text at `names[offset]`. Token bytes that become a lower-case letter or a hyphen by
 * setting bit 5 are that letter or hyphen.
 * @param id whose text it is. Servers that hand fields to programs as variables (CGI, WSGI) can't tell `X_Forwarded_For`
 * from `X-Forwarded-For`: of forwarding fields an underscore is taken for a hyphen, so that neither spelling gets past.
 */
function hasBytes(buf: Uint8Array, start: number, end: number, names: Uint8Array, offset: number, id: number): boolean {
  for (let i = start, at = offset; i < end; i++, at++) {
    const byte = buf[i];
    if ((byte | 0x20) === names[at]) continue;
    if (byte !== UNDERSCORE || names[at] !== HYPHEN || !isForwarding(id)) return false;
  }
  return true;
}

function buildNames(): readonly string[] {
  const names: string[] = [];
  for (const [key, id] of Object.entries(FieldId)) {
    names[id] = id === FieldId.OTHER ? "" : key.toLowerCase().replaceAll("_", "-");
  }
  return Object.freeze(names);
}

function buildOffsets(): Uint16Array {
  const offsets = new Uint16Array(NAMES.length);
  for (let index = 1; index < NAMES.length; index++) offsets[index] = offsets[index - 1] + NAMES[index - 1].length;
  return offsets;
}
