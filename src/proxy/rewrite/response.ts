/**
 * The response head that the client gets: the server's bytes in the server's order, without hop-by-hop fields
 * (RFC 9110 section 7.6.1), with a `Date` where the server sent none and the fate of the connection. `Via` is left out,
 * as a gateway may (section 7.6.3): most heads then leave as they came, without a copy.
 */
import { copyAll, copyBytes, writeInteger } from "../http1/copy.ts";
import { FieldId, HOP_BY_HOP_MASK } from "../http1/field-names.ts";
import type { ResponseHead } from "../http1/head.ts";
import type { HeadEdits } from "./edits.ts";
import { FRAMING_BITS, writeFields, writeFraming } from "./fields.ts";

const HTTP_1_1 = Buffer.from("HTTP/1.1 ");
const CONNECTION_CLOSE = Buffer.from("Connection: close\r\n");
const CONNECTION_KEEP_ALIVE = Buffer.from("Connection: keep-alive\r\n");
const CONNECTION_UPGRADE = Buffer.from("Connection: Upgrade\r\n");
const CRLF = Buffer.from("\r\n");

/** Load reports are for the balancer (ORCA, gRFC A51), not for the client. */
const DROPPED = HOP_BY_HOP_MASK | (1 << FieldId.ENDPOINT_LOAD_METRICS) | (1 << FieldId.ENDPOINT_LOAD_METRICS_BIN);
/** What goes with a chunked body. */
const CHUNKING = (1 << FieldId.TRANSFER_ENCODING) | (1 << FieldId.TRAILER);
const UPGRADE_BIT = 1 << FieldId.UPGRADE;

/** What the client is told about its connection. */
export const ClientConnectionHeader = { NONE: 0, CLOSE: 1, KEEP_ALIVE: 2, UPGRADE: 3 } as const;
export type ClientConnectionHeader = (typeof ClientConnectionHeader)[keyof typeof ClientConnectionHeader];

/** Would the client get the head byte for byte as the server sent it? */
export function leavesUnchanged(
  head: ResponseHead,
  connection: ClientConnectionHeader,
  dechunk: boolean,
  edits: HeadEdits | null,
): boolean {
  return (
    edits === null &&
    connection === ClientConnectionHeader.NONE &&
    head.regular &&
    (head.seen & DROPPED) === 0 &&
    !head.hasConnectionOptions &&
    !dechunk &&
    head.has(FieldId.DATE)
  );
}

/** Statuses whose `Upgrade` field is kept: 101 Switching Protocols and 426 Upgrade Required. */
function keepsUpgrade(status: number): boolean {
  return status === 101 || status === 426;
}

/**
 * Writes the head for the client at `out[start]` and returns the offset after it.
 * @param dechunk the message is for a client of HTTP/1.0, and its body, if any, is sent without its chunked coding.
 * @param date the current `Date: …` line, added when the server sent none.
 * @param edits what else is changed, never framing and the fate of the connection; null = nothing.
 */
export function writeResponseHead(
  out: Buffer,
  start: number,
  buf: Buffer,
  head: ResponseHead,
  connection: ClientConnectionHeader,
  dechunk: boolean,
  date: Buffer,
  edits: HeadEdits | null,
): number {
  let at = copyAll(out, start, HTTP_1_1);
  at = writeInteger(out, at, head.status);
  out[at++] = 32;
  at = copyBytes(out, at, buf, head.reasonStart, head.reasonEnd);
  at = copyAll(out, at, CRLF);

  const bodiless = head.status < 200 || head.status === 204;
  let dropped = dechunk || (bodiless && head.reframe) ? DROPPED | CHUNKING : DROPPED;
  if (head.reframe) dropped |= FRAMING_BITS;
  if (keepsUpgrade(head.status)) dropped &= ~UPGRADE_BIT;
  at = writeFields(out, at, buf, head, dropped, edits);
  if (head.reframe && !bodiless && !dechunk) at = writeFraming(out, at, head);

  if (!head.has(FieldId.DATE) && head.status >= 200) at = copyAll(out, at, date);
  if (connection === ClientConnectionHeader.CLOSE) at = copyAll(out, at, CONNECTION_CLOSE);
  else if (connection === ClientConnectionHeader.KEEP_ALIVE) at = copyAll(out, at, CONNECTION_KEEP_ALIVE);
  else if (connection === ClientConnectionHeader.UPGRADE) at = copyAll(out, at, CONNECTION_UPGRADE);
  return copyAll(out, at, CRLF);
}
