/** Lines as people read them, and as Apache and nginx write them. */
import { copyAll, copyBytes, writeInteger } from "../../http1/copy.ts";
import type { LineClock } from "./clock.ts";
import type { LoggedOutcome, LoggedRequest } from "./logged.ts";
import { copyEscaped, writeLogText, writeMethod, writeSeconds } from "./texts.ts";

const NO_USER = Buffer.from(" - - ");
const SPACE = 32;
const QUOTE = 34;
const NOTHING = 45;

/** Writes a line for people. @returns the offset after it. */
export function writeTextLine(
  out: Buffer,
  start: number,
  r: LoggedRequest,
  o: LoggedOutcome,
  durationMs: number,
  { iso }: LineClock,
): number {
  const id = r.requestIdBuffer.toString("latin1", r.requestIdStart, r.requestIdEnd);
  const trace = r.traced ? r.traceIdBuffer.toString("latin1", r.traceIdStart, r.traceIdStart + 32) : "";
  const failed = o.failure === null ? "" : ` error=${o.failure.code} error_source=${o.failure.source}`;
  const grpc = o.grpcStatus < 0 ? "" : ` grpc_status=${o.grpcStatus}`;
  const attempts = o.attempts > 1 ? ` attempts=${o.attempts}` : "";
  let at = copyAll(out, start, iso);
  out[at++] = SPACE;
  at = copyAll(out, at, r.clientAddress);
  out[at++] = SPACE;
  out[at++] = QUOTE;
  at = writeMethod(out, at, r);
  out[at++] = SPACE;
  at = copyEscaped(out, at, r.headBuffer, r.targetStart, r.targetEnd);
  at += out.write(`" ${o.status} `, at);
  at = writeSeconds(out, at, durationMs);
  at += out.write(`s ${o.responseBytes}B server=${o.serverId}`, at);
  if (r.labels !== null) at = copyAll(out, at, r.labels.text);
  const limited = r.limitedBy === null ? "" : ` rate_limit=${r.limitedBy.spec.name}`;
  at += out.write(
    `${grpc}${attempts}${failed}${limited} request_id=${id}${trace === "" ? "" : ` trace_id=${trace}`}\n`,
    at,
  );
  return at;
}

/**
 * Writes a line in the Common Log Format; with `combined`, `Referer` and `User-Agent` follow.
 * @returns the offset after it.
 */
export function writeLogFormatLine(
  out: Buffer,
  start: number,
  r: LoggedRequest,
  o: LoggedOutcome,
  { bracketed }: LineClock,
  combined: boolean,
): number {
  let at = copyAll(out, start, r.clientAddress);
  at = copyAll(out, at, NO_USER);
  at = copyAll(out, at, bracketed);
  out[at++] = SPACE;
  out[at++] = QUOTE;
  if (r.protocol === null) out[at++] = NOTHING;
  else {
    at = writeMethod(out, at, r);
    out[at++] = SPACE;
    at = copyEscaped(out, at, r.headBuffer, r.targetStart, r.targetEnd);
    out[at++] = SPACE;
    at = copyBytes(out, at, r.protocol, 0, r.protocol.length);
  }
  out[at++] = QUOTE;
  out[at++] = SPACE;
  at = writeInteger(out, at, o.status);
  out[at++] = SPACE;
  at = writeInteger(out, at, o.responseBytes);
  if (combined) {
    at = writeQuotedField(out, at, r.headBuffer, r.refererStart, r.refererEnd);
    at = writeQuotedField(out, at, r.headBuffer, r.userAgentStart, r.userAgentEnd);
  }
  out[at++] = 10;
  return at;
}

function writeQuotedField(out: Buffer, start: number, head: Buffer, from: number, to: number): number {
  out[start] = SPACE;
  out[start + 1] = QUOTE;
  const at = writeLogText(out, start + 2, head, from, to);
  out[at] = QUOTE;
  return at + 1;
}
