/**
 * What of gRPC a proxy has to know (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): that a message is of a call,
 * how long its client waits, and with which status it ended.
 */
import { NO_GRPC_STATUS } from "../../shared/grpc-status.ts";
import { FieldId } from "../http1/field-names.ts";
import { isWord } from "../http1/framing.ts";
import { FIELD_STRIDE, FieldPart, type MessageHead } from "../http1/head.ts";
import { fieldText } from "../http1/header-text.ts";

const APPLICATION_GRPC = Buffer.from("application/grpc");
const GRPC_STATUS = Buffer.from("grpc-status");
const GRPC_PUSHBACK = Buffer.from("grpc-retry-pushback-ms");
const GRPC_TIMEOUT = Buffer.from("grpc-timeout");
const STATUS_LINE = /^grpc-status:[ \t]*(\d{1,2})[ \t]*\r?$/im;
/** Milliseconds of each unit. */
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Whether a message is gRPC's, by its Content-Type: `application/grpc`, with a `+` and a format or without, or gRPC-Web's. */
export function isGrpc(buf: Buffer, { ids, fields, fieldCount }: MessageHead): boolean {
  for (let i = 0; i < fieldCount; i++) {
    if (ids[i] !== FieldId.CONTENT_TYPE) continue;
    const start = fields[i * FIELD_STRIDE + FieldPart.VALUE_START];
    const end = fields[i * FIELD_STRIDE + FieldPart.VALUE_END];
    const nameEnd = start + APPLICATION_GRPC.length;
    if (end < nameEnd || !isWord(buf, start, nameEnd, APPLICATION_GRPC)) return false;
    return end === nameEnd || isSeparator(buf[nameEnd]);
  }
  return false;
}

/** What may follow the name: `+proto`, `-web`, `-web-text`, parameters. */
function isSeparator(byte: number): boolean {
  return byte === 0x2b || byte === 0x2d || byte === 0x3b || byte === 0x20;
}

/** How long the client of a call waits, milliseconds; 0 = it does not say, or nothing that can be understood. */
export function grpcTimeoutMs(buf: Buffer, head: MessageHead): number {
  const text = fieldText(buf, head, GRPC_TIMEOUT);
  const parts = text === null ? null : /^(\d{1,8})([HMSmun])$/.exec(text);
  return parts === null ? 0 : Number(parts[1]) * UNITS[parts[2]];
}

/** `grpc-status` in a head, where a response without messages has it; `NO_GRPC_STATUS` = it is not there. */
export function grpcStatusOf(buf: Buffer, head: MessageHead): number {
  const text = fieldText(buf, head, GRPC_STATUS);
  return text !== null && /^\d{1,2}$/.test(text) ? Number(text) : NO_GRPC_STATUS;
}

/** The server says when the call may be made again, if at all: that is for its client to keep to (gRFC A6, "Pushback"). */
export function hasPushback(buf: Buffer, head: MessageHead): boolean {
  return fieldText(buf, head, GRPC_PUSHBACK) !== null;
}

/** As `grpcStatusOf`, among the field lines behind a body. */
export function grpcStatusIn(trailers: Buffer): number {
  const said = STATUS_LINE.exec(trailers.toString("latin1"))?.[1];
  return said === undefined ? NO_GRPC_STATUS : Number(said);
}

/** `grpc-message`: what is no printable ASCII is written in percent. */
export function grpcMessage(text: string): string {
  return Buffer.from(text)
    .toString("latin1")
    .replaceAll(
      /[^\x20-\x24\x26-\x7e]/g,
      (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
    );
}
