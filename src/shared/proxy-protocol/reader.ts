/**
 * Reads the header of the PROXY protocol, versions 1 and 2 (HAProxy, proxy-protocol.txt), which a proxy sends in front of
 * everything else to say whose connection it is. Strict: what is not exactly a header is none. Pure.
 */
import ipaddr from "ipaddr.js";
import { crc32c } from "./crc32c.ts";
import { Command, Family, HEAD_BYTES, SIGNATURE, TLV_CRC32C } from "./wire.ts";

/** What is at the beginning of a connection. */
export type HeaderReading =
  /** So far it may become a header. */
  | { readonly kind: "incomplete" }
  /** It is none. `reason` goes on from "its header of the PROXY protocol". */
  | { readonly kind: "malformed"; readonly reason: string }
  /**
   * A header of `length` bytes. `address` is that of the client, as text, an IPv4 address never as IPv6; "" = the connection
   * is the proxy's own (a check of its), or from no address of the Internet.
   */
  | { readonly kind: "header"; readonly length: number; readonly address: string };

/** Longest header that is read, bytes: proxies send a few hundred at most, certificates of their clients included. */
export const MAX_HEADER_BYTES = 4096;

/** Longest of version 1, with its line end: "worst case" of the specification. */
const MAX_LINE_BYTES = 107;
const LINE_START = Buffer.from("PROXY ");
const INCOMPLETE: HeaderReading = { kind: "incomplete" };
const CR = 13;
const LF = 10;

/** Reads what is at the beginning of `bytes`. */
export function readProxyHeader(bytes: Uint8Array): HeaderReading {
  if (bytes.length === 0) return INCOMPLETE;
  if (bytes[0] === SIGNATURE[0]) return readBinary(bytes);
  return bytes[0] === LINE_START[0] ? readLine(bytes) : malformed("is missing");
}

function malformed(reason: string): HeaderReading {
  return { kind: "malformed", reason };
}

function startsAs(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const length = Math.min(bytes.length, wanted.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== wanted[i]) return false;
  return true;
}

// ── version 1 ──────────────────────────────────────────────────────────────────────────────────────────────────────

function readLine(bytes: Uint8Array): HeaderReading {
  if (!startsAs(bytes, LINE_START)) return malformed("is missing");
  const limit = Math.min(bytes.length, MAX_LINE_BYTES);
  let end = 0;
  while (end < limit && bytes[end] !== LF) end++;
  if (end === limit) return limit === MAX_LINE_BYTES ? malformed("is too long") : INCOMPLETE;
  if (bytes[end - 1] !== CR) return malformed("has a line end without CR");
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end - 1).toString("latin1");
  const length = end + 1;
  const [, family, ...rest] = text.split(" ");
  // Behind UNKNOWN may stand anything, and nobody is to look at it.
  if (family === "UNKNOWN") return { kind: "header", length, address: "" };
  if (family !== "TCP4" && family !== "TCP6") return malformed("names no family of addresses");
  const [source, destination, sourcePort, destinationPort, ...more] = rest;
  if (more.length > 0 || destinationPort === undefined) return malformed("has not two addresses and two ports");
  const address = addressOf(family, source);
  if (address === null || addressOf(family, destination) === null)
    return malformed(`has an address that is no ${family}`);
  if (!isPort(sourcePort) || !isPort(destinationPort)) return malformed("has a port that is none");
  return { kind: "header", length, address };
}

function addressOf(family: "TCP4" | "TCP6", text: string): string | null {
  if (family === "TCP4") return ipaddr.IPv4.isValidFourPartDecimal(text) ? text : null;
  if (!text.includes(":") || text.includes("%") || !ipaddr.IPv6.isValid(text)) return null;
  return ipaddr.process(text).toString();
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

// ── version 2 ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Bytes of the addresses and ports of each family; what belongs to no stream is not here. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [Family.UNSPECIFIED, 0],
  [Family.TCP4, 12],
  [Family.TCP6, 36],
  [Family.UNIX_STREAM, 216],
]);

function readBinary(bytes: Uint8Array): HeaderReading {
  if (!startsAs(bytes, SIGNATURE)) return malformed("is missing");
  if (bytes.length < HEAD_BYTES) return INCOMPLETE;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = bytes[12];
  const family = bytes[13];
  const length = HEAD_BYTES + view.getUint16(14);
  if (command !== Command.LOCAL && command !== Command.PROXY)
    return malformed("is of no version or command that is known");
  if (length > MAX_HEADER_BYTES) return malformed(`is longer than ${MAX_HEADER_BYTES} bytes`);
  if (bytes.length < length) return INCOMPLETE;
  // Of a connection of its own the proxy has nothing to say that is to be looked at.
  if (command === Command.LOCAL) return { kind: "header", length, address: "" };
  const addressBytes = ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) return malformed("is of no stream");
  const start = HEAD_BYTES + addressBytes;
  if (start > length) return malformed("is too short for its addresses");
  // Of what it does not know the specification says: skip it. Behind addresses of no family all may be anything.
  const reason = family === Family.UNSPECIFIED ? null : problemOfRecords(bytes, view, start, length);
  return reason === null ? { kind: "header", length, address: sourceOf(family, bytes) } : malformed(reason);
}

function sourceOf(family: number, bytes: Uint8Array): string {
  if (family !== Family.TCP4 && family !== Family.TCP6) return "";
  const length = family === Family.TCP4 ? 4 : 16;
  const address = ipaddr.fromByteArray(Array.from(bytes.subarray(HEAD_BYTES, HEAD_BYTES + length)));
  return ipaddr.process(address.toString()).toString();
}

/** What is wrong with the records of type, length and value behind the addresses; `null` = nothing. */
function problemOfRecords(bytes: Uint8Array, view: DataView, start: number, end: number): string | null {
  for (let at = start; at < end; ) {
    if (at + 3 > end) return "has a record that is cut off";
    const next = at + 3 + view.getUint16(at + 1);
    if (next > end) return "has a record that is longer than it is";
    if (bytes[at] === TLV_CRC32C) {
      if (next - at !== 7) return "has a checksum that is none";
      if (crc32c(bytes, 0, end, at + 3) !== view.getUint32(at + 3)) return "has another checksum than it says";
    }
    at = next;
  }
  return null;
}
