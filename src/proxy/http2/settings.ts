/** What the two ends of a connection of HTTP/2 tell each other (RFC 9113 section 6.5). */
import { ErrorCode } from "./error-codes.ts";
import { MAX_31_BITS, MAX_FRAME_BYTES } from "./frames/layout.ts";

/** Names of settings (RFC 9113 section 6.5.2, RFC 8441 section 3). */
export const SettingId = {
  HEADER_TABLE_SIZE: 0x1,
  ENABLE_PUSH: 0x2,
  MAX_CONCURRENT_STREAMS: 0x3,
  INITIAL_WINDOW_SIZE: 0x4,
  MAX_FRAME_SIZE: 0x5,
  MAX_HEADER_LIST_SIZE: 0x6,
  ENABLE_CONNECT_PROTOCOL: 0x8,
} as const;

/** What holds until something else is said. */
export const SettingDefault = {
  HEADER_TABLE_SIZE: 4096,
  INITIAL_WINDOW_SIZE: 65_535,
  MAX_FRAME_SIZE: MAX_FRAME_BYTES,
} as const;

/** The longest that a peer may announce, bytes. */
const LARGEST_FRAME_SIZE = 16_777_215;

/** What the peer has said. */
export class PeerSettings {
  /** Bytes of the table that its decoder has at most. */
  headerTableSize: number = SettingDefault.HEADER_TABLE_SIZE;
  /** The least of them since the frame before: a table that shrank has lost entries, also if it grew again (RFC 7541 section 4.2). */
  leastHeaderTableSize: number = SettingDefault.HEADER_TABLE_SIZE;
  enablePush = true;
  maxConcurrentStreams = Number.POSITIVE_INFINITY;
  initialWindowSize: number = SettingDefault.INITIAL_WINDOW_SIZE;
  maxFrameSize: number = SettingDefault.MAX_FRAME_SIZE;
  /** Bytes of fields that it takes, as RFC 9113 section 6.5.2 counts them. */
  maxHeaderListSize = Number.POSITIVE_INFINITY;
  enableConnectProtocol = false;

  /**
   * Takes the entries of a SETTINGS frame, `buf[start … end)`. Names that nobody knows are passed over.
   * @returns an `ErrorCode` for the connection; `NO_ERROR` = they are all right.
   */
  apply(buf: Uint8Array, start: number, end: number): ErrorCode {
    this.leastHeaderTableSize = this.headerTableSize;
    for (let at = start; at + 6 <= end; at += 6) {
      const id = (buf[at] << 8) | buf[at + 1];
      const value = ((buf[at + 2] << 24) | (buf[at + 3] << 16) | (buf[at + 4] << 8) | buf[at + 5]) >>> 0;
      const error = this.#set(id, value);
      if (error !== ErrorCode.NO_ERROR) return error;
    }
    return ErrorCode.NO_ERROR;
  }

  #set(id: number, value: number): ErrorCode {
    switch (id) {
      case SettingId.HEADER_TABLE_SIZE:
        this.headerTableSize = value;
        this.leastHeaderTableSize = Math.min(this.leastHeaderTableSize, value);
        break;
      case SettingId.ENABLE_PUSH:
        if (value > 1) return ErrorCode.PROTOCOL_ERROR;
        this.enablePush = value === 1;
        break;
      case SettingId.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        break;
      case SettingId.INITIAL_WINDOW_SIZE:
        if (value > MAX_31_BITS) return ErrorCode.FLOW_CONTROL_ERROR;
        this.initialWindowSize = value;
        break;
      case SettingId.MAX_FRAME_SIZE:
        if (value < MAX_FRAME_BYTES || value > LARGEST_FRAME_SIZE) return ErrorCode.PROTOCOL_ERROR;
        this.maxFrameSize = value;
        break;
      case SettingId.MAX_HEADER_LIST_SIZE:
        this.maxHeaderListSize = value;
        break;
      case SettingId.ENABLE_CONNECT_PROTOCOL:
        // Once said it can't be taken back (RFC 8441 section 3).
        if (value > 1 || (value === 0 && this.enableConnectProtocol)) return ErrorCode.PROTOCOL_ERROR;
        this.enableConnectProtocol = value === 1;
    }
    return ErrorCode.NO_ERROR;
  }
}
