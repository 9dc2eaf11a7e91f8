/** How frames of HTTP/2 look (RFC 9113 sections 4.1 and 6). */

/** Kinds of frames. */
export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

/** Flags; ACK and END_STREAM are one bit, of different frames. */
export const FrameFlag = {
  ACK: 0x1,
  END_STREAM: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
} as const;

/** Length, type, flags and stream, bytes. */
export const FRAME_HEADER_BYTES = 9;
/** The longest payload that everybody takes, and the longest that we announce (RFC 9113 section 4.2). */
export const MAX_FRAME_BYTES = 16_384;
/** Identifiers, increments and windows are numbers of 31 bits. */
export const MAX_31_BITS = 0x7fff_ffff;

/** What it is called in ALPN (RFC 9113 section 3.2). */
export const HTTP_2_PROTOCOL = "h2";
/** What a client says first (RFC 9113 section 3.4). */
export const PREFACE: Uint8Array = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
