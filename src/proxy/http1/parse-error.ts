/**
 * Why a message was refused. A parser returns a negative code; one table says which status answers it, how the log
 * calls it and what a person is told. A response is the server's fault: whatever its code, the client gets 502.
 */

/** Returned by the head parsers when the bytes so far are a good beginning. */
export const INCOMPLETE = 0;

/** Codes of refused messages: all negative, so that an offset (> 0) can't be mistaken for one. */
export const ParseError = {
  BARE_CR: -1,
  BARE_LF: -2,
  INVALID_METHOD: -3,
  METHOD_TOO_LONG: -4,
  CONNECT_METHOD: -5,
  INVALID_TARGET: -6,
  TARGET_FRAGMENT: -7,
  TARGET_SCHEME: -8,
  TARGET_AUTHORITY: -9,
  TARGET_ASTERISK: -10,
  REQUEST_LINE_TOO_LONG: -11,
  MISSING_VERSION: -12,
  INVALID_VERSION: -13,
  UNSUPPORTED_VERSION: -14,
  SPACE_BEFORE_FIELDS: -15,
  OBS_FOLD: -16,
  EMPTY_FIELD_NAME: -17,
  INVALID_FIELD_NAME: -18,
  SPACE_BEFORE_COLON: -19,
  INVALID_FIELD_VALUE: -20,
  TOO_MANY_FIELDS: -21,
  HEAD_TOO_LARGE: -22,
  MISSING_HOST: -23,
  DUPLICATE_HOST: -24,
  INVALID_HOST: -25,
  INVALID_CONTENT_LENGTH: -26,
  DUPLICATE_CONTENT_LENGTH: -27,
  LENGTH_AND_TRANSFER_ENCODING: -28,
  INVALID_TRANSFER_ENCODING: -29,
  UNKNOWN_TRANSFER_CODING: -30,
  TRANSFER_ENCODING_VERSION: -31,
  INVALID_CONNECTION: -32,
  CONNECTION_NAMES_FRAMING: -33,
  UNKNOWN_EXPECTATION: -34,
  INVALID_STATUS_LINE: -35,
  INVALID_STATUS: -36,
  INVALID_CHUNK_SIZE: -37,
  CHUNK_SIZE_TOO_LONG: -38,
  INVALID_CHUNK_EXTENSION: -39,
  CHUNK_EXTENSION_TOO_LARGE: -40,
  INVALID_CHUNK_END: -41,
  FORBIDDEN_TRAILER: -42,
  TRAILER_TOO_LARGE: -43,
  INTERIM_VERSION: -44,
  TOO_MANY_OPTIONS: -45,
  // Of HTTP/2 alone.
  UPPER_CASE_NAME: -46,
  SPACE_AROUND_VALUE: -47,
  CONNECTION_FIELD: -48,
  INVALID_TE: -49,
  UNKNOWN_PSEUDO_FIELD: -50,
  LATE_PSEUDO_FIELD: -51,
  DUPLICATE_PSEUDO_FIELD: -52,
  MISSING_PSEUDO_FIELD: -53,
  UNEXPECTED_PSEUDO_FIELD: -54,
  INVALID_PROTOCOL: -55,
  HOST_UNLIKE_AUTHORITY: -56,
  LENGTH_UNLIKE_BODY: -57,
} as const;

/** What a refusal becomes outside the parser. */
export interface Refusal {
  /** Status that answers a request so refused; 502 for what only a response can be refused for. */
  readonly status: 400 | 414 | 417 | 431 | 501 | 502 | 505;
  /** Slug for the log and the metrics: the code's name in lower case. */
  readonly reason: string;
  /** One sentence for the person who sent it. */
  readonly message: string;
}

type Name = keyof typeof ParseError;

const TABLE: Readonly<Record<Name, readonly [status: Refusal["status"], message: string]>> = {
  BARE_CR: [400, "A carriage return is not followed by a line feed."],
  BARE_LF: [400, "A line ends in a line feed alone; CRLF is required."],
  INVALID_METHOD: [400, "The method is not a token."],
  METHOD_TOO_LONG: [501, "The method is longer than 32 bytes."],
  CONNECT_METHOD: [501, "CONNECT is not supported: this is a gateway, not a forward proxy."],
  INVALID_TARGET: [400, "The request target has a byte that is not allowed, or no form that the method allows."],
  TARGET_FRAGMENT: [400, "The request target contains a fragment."],
  TARGET_SCHEME: [400, "The scheme of the request target is neither http nor https."],
  TARGET_AUTHORITY: [400, "The authority of the request target is not host[:port]."],
  TARGET_ASTERISK: [400, "The target * is for OPTIONS only."],
  REQUEST_LINE_TOO_LONG: [414, "The request line is too long."],
  MISSING_VERSION: [400, "The request line has no HTTP version."],
  INVALID_VERSION: [400, "The HTTP version is malformed."],
  UNSUPPORTED_VERSION: [505, "Only HTTP/1.0 and HTTP/1.1 are spoken here."],
  SPACE_BEFORE_FIELDS: [400, "White space precedes the first field."],
  OBS_FOLD: [400, "A field value is continued on the next line."],
  EMPTY_FIELD_NAME: [400, "A field has no name."],
  INVALID_FIELD_NAME: [400, "A field name is not a token, or a line has no colon."],
  SPACE_BEFORE_COLON: [400, "White space separates a field name from its colon."],
  INVALID_FIELD_VALUE: [400, "A field value contains a control character."],
  TOO_MANY_FIELDS: [431, "There are too many fields."],
  HEAD_TOO_LARGE: [431, "The fields are too large."],
  MISSING_HOST: [400, "The Host field is missing."],
  DUPLICATE_HOST: [400, "There is more than one Host field."],
  INVALID_HOST: [400, "The Host field is not host[:port]."],
  INVALID_CONTENT_LENGTH: [400, "Content-Length is not a decimal number below 2^53."],
  DUPLICATE_CONTENT_LENGTH: [400, "There is more than one Content-Length."],
  LENGTH_AND_TRANSFER_ENCODING: [400, "Both Content-Length and Transfer-Encoding are present."],
  INVALID_TRANSFER_ENCODING: [400, "Transfer-Encoding is not exactly one chunked."],
  UNKNOWN_TRANSFER_CODING: [501, "Only the transfer coding chunked is supported."],
  TRANSFER_ENCODING_VERSION: [400, "Transfer-Encoding is not allowed in HTTP/1.0."],
  INVALID_CONNECTION: [400, "The Connection field is not a list of tokens."],
  CONNECTION_NAMES_FRAMING: [400, "The Connection field names Content-Length or Host."],
  UNKNOWN_EXPECTATION: [417, "Only the expectation 100-continue is supported."],
  INVALID_STATUS_LINE: [502, "The status line is malformed."],
  INVALID_STATUS: [502, "The status code is not within 100 to 999."],
  INVALID_CHUNK_SIZE: [400, "A chunk size is not a hexadecimal number."],
  CHUNK_SIZE_TOO_LONG: [400, "A chunk size has more than 13 digits."],
  INVALID_CHUNK_EXTENSION: [400, "A chunk extension is malformed."],
  CHUNK_EXTENSION_TOO_LARGE: [400, "The chunk extensions are too large."],
  INVALID_CHUNK_END: [400, "A chunk is not followed by CRLF."],
  FORBIDDEN_TRAILER: [400, "A trailer field is one that is not allowed in trailers."],
  TRAILER_TOO_LARGE: [431, "The trailer section is too large."],
  INTERIM_VERSION: [502, "A response of HTTP/1.0 has an interim status, which that version does not know."],
  TOO_MANY_OPTIONS: [431, "The Connection field lists more than 32 fields."],
  UPPER_CASE_NAME: [400, "A field name has an upper-case letter, which HTTP/2 does not allow."],
  SPACE_AROUND_VALUE: [400, "A field value begins or ends with white space, which HTTP/2 does not allow."],
  CONNECTION_FIELD: [400, "A field that HTTP/2 does not have says something about the connection."],
  INVALID_TE: [400, "The TE field is not trailers."],
  UNKNOWN_PSEUDO_FIELD: [400, "A pseudo-field is not known, or not allowed in such a message."],
  LATE_PSEUDO_FIELD: [400, "A pseudo-field comes behind another field."],
  DUPLICATE_PSEUDO_FIELD: [400, "A pseudo-field is present more than once."],
  MISSING_PSEUDO_FIELD: [400, "The pseudo-field :method, :scheme, :path or :status is missing."],
  UNEXPECTED_PSEUDO_FIELD: [400, "A pseudo-field is present that the method or the message does not have."],
  INVALID_PROTOCOL: [400, "The pseudo-field :protocol is not a token."],
  HOST_UNLIKE_AUTHORITY: [400, "The Host field is not what :authority is."],
  LENGTH_UNLIKE_BODY: [400, "Content-Length is not the length of the body."],
};

const REFUSALS: readonly Refusal[] = buildRefusals();

/** The refusal that a code (negative, of `ParseError`) stands for. */
export function refusalOf(code: number): Refusal {
  return REFUSALS[-code];
}

function buildRefusals(): readonly Refusal[] {
  const refusals: Refusal[] = [];
  for (const name of Object.keys(ParseError) as Name[]) {
    const [status, message] = TABLE[name];
    refusals[-ParseError[name]] = Object.freeze({ status, reason: name.toLowerCase(), message });
  }
  return Object.freeze(refusals);
}
