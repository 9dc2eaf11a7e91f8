/** Tunnels through HTTP/2 (RFC 8441): what a client of HTTP/1.1 is told, whose upgrade has become an extended CONNECT. */

import { FieldId } from "../../http1/field-names.ts";
import type { RequestHead } from "../../http1/head.ts";
import { fieldText, fieldValues } from "../../http1/header-text.ts";
import { webSocketAccept } from "../../rewrite/websocket-accept.ts";

const KEY = Buffer.from("sec-websocket-key");

/**
 * The field lines of the 101 for the upgrade that `buf` asks for, parsed to `head`. HTTP/2 does not ask for the proof that a
 * WebSocket's client is given, so it is made here.
 */
export function switchLinesFor(buf: Buffer, head: RequestHead): Buffer {
  const protocol = fieldValues(buf, head, FieldId.UPGRADE).join(", ");
  const key = fieldText(buf, head, KEY);
  const accept = key === null ? "" : `Sec-WebSocket-Accept: ${webSocketAccept(key)}\r\n`;
  return Buffer.from(`Connection: Upgrade\r\nUpgrade: ${protocol}\r\n${accept}`, "latin1");
}
