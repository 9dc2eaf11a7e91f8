/** What trailers may be: how many, and which are not passed on. */
import { UNDERSCORE } from "./char-class.ts";
import { FieldId, fieldIdOf } from "./field-names.ts";

const HYPHEN = 0x2d;

/** Bytes of a trailer's name that are looked at. Longer ones of `FORBIDDEN_TRAILERS` there are not. */
export const TRAILER_NAME_BYTES = 32;

/** Bounds of the trailer section, and what it must not have. */
export interface TrailerLimits {
  /** Bytes of all trailer lines. */
  readonly maxTrailerBytes: number;
  readonly maxTrailerFields: number;
  /** Names that are refused beyond `FORBIDDEN_TRAILERS`: lower case, with hyphens for underscores. */
  readonly refused: readonly Uint8Array[];
}

/** Bounds that hold unless others are given. */
export const DEFAULT_TRAILER_LIMITS: TrailerLimits = Object.freeze({
  maxTrailerBytes: 8192,
  maxTrailerFields: 64,
  refused: [],
});

/** As servers are allowed. */
export const LAX_TRAILER_LIMITS: TrailerLimits = Object.freeze({
  maxTrailerBytes: 32_768,
  maxTrailerFields: 128,
  refused: [],
});

/**
 * Fields that must not come as trailers, because they frame, route, authenticate or describe the message (RFC 9110
 * section 6.5.1), or because whoever merges trailers into the head would be told a client's address by the client.
 * One entry for each `FieldId`; 1 = forbidden.
 */
export const FORBIDDEN_TRAILERS: Uint8Array = buildForbidden();

/**
 * Must a trailer not be passed on whose name has `length` bytes and begins with `name`? An underscore is a hyphen, as for
 * fields that routes change: neither spelling gets past. Of two names that are alike as far as they are looked at, and of one
 * length, both are refused.
 */
export function isRefusedTrailer(name: Uint8Array, length: number, { refused }: TrailerLimits): boolean {
  if (length <= TRAILER_NAME_BYTES && FORBIDDEN_TRAILERS[fieldIdOf(name, 0, length)] !== 0) return true;
  for (const other of refused) if (other.length === length && beginsAlike(name, other)) return true;
  return false;
}

function beginsAlike(name: Uint8Array, plain: Uint8Array): boolean {
  const end = Math.min(plain.length, TRAILER_NAME_BYTES);
  for (let i = 0; i < end; i++) {
    const byte = name[i] === UNDERSCORE ? HYPHEN : name[i] >= 0x41 && name[i] <= 0x5a ? name[i] | 0x20 : name[i];
    if (byte !== plain[i]) return false;
  }
  return true;
}

function buildForbidden(): Uint8Array {
  const table = new Uint8Array(Object.keys(FieldId).length);
  for (const id of [
    FieldId.HOST,
    FieldId.CONTENT_LENGTH,
    FieldId.TRANSFER_ENCODING,
    FieldId.CONNECTION,
    FieldId.KEEP_ALIVE,
    FieldId.PROXY_CONNECTION,
    FieldId.TE,
    FieldId.TRAILER,
    FieldId.UPGRADE,
    FieldId.EXPECT,
    FieldId.X_FORWARDED_FOR,
    FieldId.X_FORWARDED_PROTO,
    FieldId.X_FORWARDED_HOST,
    FieldId.X_FORWARDED_PORT,
    FieldId.X_REAL_IP,
    FieldId.X_FORWARDED_OTHER,
    FieldId.FORWARDED,
    FieldId.COOKIE,
    FieldId.SET_COOKIE,
    FieldId.PROXY_AUTHENTICATE,
    FieldId.PROXY_AUTHORIZATION,
    FieldId.AUTHORIZATION,
    FieldId.HTTP2_SETTINGS,
    FieldId.MAX_FORWARDS,
    FieldId.CONTENT_TYPE,
    FieldId.CONTENT_ENCODING,
    FieldId.CONTENT_RANGE,
  ]) {
    table[id] = 1;
  }
  return table;
}
