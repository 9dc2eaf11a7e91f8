/** Tunnels through HTTP/2 (RFC 8441): what a client of HTTP/1.1 is told, whose upgrade has become an extended CONNECT. */
import { createHash } from "node:crypto";
import { FieldId } from "../../http1/field-names.ts";
import type { RequestHead } from "../../http1/head.ts";
import { fieldText, fieldValues } from "../../http1/header-text.ts";

const KEY = Buffer.from("sec-websocket-key");
/** RFC 6455 section 1.3. */
const WEBSOCKET_ID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * The field lines of the 101 for the upgrade that `buf` asks for, parsed to `head`. HTTP/2 does not ask for the proof that a
 * WebSocket's client is given, so it is made here.
 */
export function switchLinesFor(buf: Buffer, head: RequestHead): Buffer {
  const protocol = fieldValues(buf, head, FieldId.UPGRADE).join(", ");
  const key = fieldText(buf, head, KEY);
  const accept = key === null ? "" : `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n`;
  return Buffer.from(`Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${accept}`, "latin1");
}

function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}${WEBSOCKET_ID}`).digest("base64");
}
