/** What trailers may be: how many, and which are not passed on. */
import { FieldId } from "./field-names.ts";

/** Bounds of the trailer section. */
export interface TrailerLimits {
  /** Bytes of all trailer lines. */
  readonly maxTrailerBytes: number;
  readonly maxTrailerFields: number;
}

/** Bounds that hold unless others are given. */
export const DEFAULT_TRAILER_LIMITS: TrailerLimits = Object.freeze({ maxTrailerBytes: 8192, maxTrailerFields: 64 });

/** As servers are allowed. */
export const LAX_TRAILER_LIMITS: TrailerLimits = Object.freeze({ maxTrailerBytes: 32_768, maxTrailerFields: 128 });

/**
 * Fields that must not come as trailers, because they frame, route, authenticate or describe the message (RFC 9110
 * section 6.5.1), or because whoever merges trailers into the head would be told a client's address by the client.
 * One entry for each `FieldId`; 1 = forbidden.
 */
export const FORBIDDEN_TRAILERS: Uint8Array = buildForbidden();

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
