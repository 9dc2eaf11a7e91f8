/** Numbers of the PROXY protocol, version 2. */

/** What it begins with: nothing that another protocol would take for its own. */
export const SIGNATURE: Uint8Array = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);

/** Bytes in front of the addresses. */
export const HEAD_BYTES = 16;

/** Version 2, and whose connection it is: the proxy's own, or a client's. */
export const Command = { LOCAL: 0x20, PROXY: 0x21 } as const;

/** Family and protocol of the addresses. */
export const Family = { UNSPECIFIED: 0x00, TCP4: 0x11, TCP6: 0x21, UNIX_STREAM: 0x31 } as const;

/** The record that holds a checksum over the whole header, itself taken for zero. */
export const TLV_CRC32C = 0x03;
