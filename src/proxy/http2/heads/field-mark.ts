/** The mark of a field: what kind it is and what is wrong with it, in one integer, so that a table can keep it beside the field. */

/** What a field is for whoever makes a head of it. */
export const FieldKind = {
  /** A field line of its own. */
  PLAIN: 0,
  COOKIE: 1,
  HOST: 2,
  CONTENT_LENGTH: 3,
  TE: 4,
  /** Means nothing in HTTP/2 (RFC 8441 section 5). */
  WEBSOCKET_KEY: 5,
  /** Its name is wrong, whatever its value. */
  WRONG_NAME: 7,
  // Pseudo-fields (RFC 9113 section 8.3): what the head begins with.
  METHOD: 8,
  SCHEME: 9,
  AUTHORITY: 10,
  PATH: 11,
  /** RFC 8441 section 4. */
  PROTOCOL: 12,
  STATUS: 13,
} as const;

const KIND_BITS = 0xff;
const FLAW_SHIFT = 8;

/** Kinds from here on are pseudo-fields. */
export const FIRST_PSEUDO_KIND: number = FieldKind.METHOD;

/** The mark of a field of this kind. @param error what is wrong with it, a `ParseError`; 0 = nothing. */
export function markOf(kind: number, error: number): number {
  return kind | (-error << FLAW_SHIFT);
}

/** One of `FieldKind`. */
export function kindOf(mark: number): number {
  return mark & KIND_BITS;
}

/** What is wrong with it, a `ParseError`; 0 = nothing. */
export function errorOf(mark: number): number {
  return -(mark >> FLAW_SHIFT);
}
