/**
 * Small-integer identities of the fields that the proxy cares about, and how a name in a buffer becomes one: by its
 * length and first byte, then by comparing bytes. No string is made.
 */

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
  MAX_FORWARDS: 31,
  AUTHORIZATION: 32,
  SET_COOKIE: 33,
  CONTENT_TYPE: 34,
  CONTENT_ENCODING: 35,
  CONTENT_RANGE: 36,
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
  (1 << FieldId.X_REQUEST_ID);

const HYPHEN = 0x2d;
const UNDERSCORE = 0x5f;

/** Lower-case names by identity: `X_REQUEST_ID` is `x-request-id`. Index 0 is the empty string. */
export const FIELD_NAMES: readonly string[] = buildNames();

const LONGEST = FIELD_NAMES.reduce((longest, name) => Math.max(longest, name.length), 0);
/** All names, one after the other. */
const NAME_BYTES = new TextEncoder().encode(FIELD_NAMES.join(""));
/** Where the name of an identity starts in `NAME_BYTES`. */
const NAME_OFFSET = buildOffsets();
/** First identity for (length × 32 + low five bits of the first byte); 0 = none. */
const FIRST = new Uint8Array((LONGEST + 1) * 32);
/** Next identity with the same length and first letter; 0 = none. */
const NEXT = new Uint8Array(FIELD_NAMES.length);
for (let id = FIELD_NAMES.length - 1; id > 0; id--) {
  const name = FIELD_NAMES[id];
  const key = name.length * 32 + (name.charCodeAt(0) & 31);
  NEXT[id] = FIRST[key];
  FIRST[key] = id;
}

/** Identity of the field name `buf[start, end)`, which must be a non-empty token; letter case does not matter. */
export function fieldIdOf(buf: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > LONGEST) return FieldId.OTHER;
  let id = FIRST[length * 32 + (buf[start] & 31)];
  while (id !== 0) {
    // Token bytes that become a lower-case letter or a hyphen by setting bit 5 are that letter or hyphen.
    const offset = NAME_OFFSET[id] - start;
    let i = start;
    while (i < end && ((buf[i] | 0x20) === NAME_BYTES[offset + i] || isAliasHyphen(buf[i], offset + i, id))) i++;
    if (i === end) return id;
    id = NEXT[id];
  }
  return FieldId.OTHER;
}

/**
 * Servers that hand fields to programs as variables (CGI, WSGI) can't tell `X_Forwarded_For` from `X-Forwarded-For`: in
 * the names of forwarding fields an underscore is taken for a hyphen, so that neither spelling gets past the proxy.
 */
function isAliasHyphen(byte: number, nameByte: number, id: number): boolean {
  return byte === UNDERSCORE && NAME_BYTES[nameByte] === HYPHEN && id < SEEN_IDS && (FORWARDING_MASK & (1 << id)) !== 0;
}

function buildNames(): readonly string[] {
  const names: string[] = [];
  for (const [key, id] of Object.entries(FieldId)) {
    names[id] = id === FieldId.OTHER ? "" : key.toLowerCase().replaceAll("_", "-");
  }
  return Object.freeze(names);
}

function buildOffsets(): Uint16Array {
  const offsets = new Uint16Array(FIELD_NAMES.length);
  for (let id = 1; id < FIELD_NAMES.length; id++) offsets[id] = offsets[id - 1] + FIELD_NAMES[id - 1].length;
  return offsets;
}
