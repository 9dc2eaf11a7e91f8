/**
 * What an auth server is told of a request, and what a server is told of the auth server's response.
 *
 * The question is a GET without a body for a path of its own. It has the client's fields but those of the body and of the
 * connection, the usual forwarding fields, and beside these `X-Forwarded-Method` and `X-Forwarded-Uri`, as Traefik, Caddy and
 * oauth2-proxy have them.
 */
import { CHAR_CLASS, VALUE } from "../../http1/char-class.ts";
import { copyAll, copyBytes } from "../../http1/copy.ts";
import { FieldId, FORWARDING_MASK, HOP_BY_HOP_MASK, SEEN_IDS } from "../../http1/field-names.ts";
import {
  FIELD_STRIDE,
  FieldPart,
  fieldIsListedInConnection,
  type MessageHead,
  type RequestHead,
  type ResponseHead,
} from "../../http1/head.ts";
import { HeadEdits, isNamed, MAX_MOMENT_BYTES } from "../../rewrite/edits.ts";
import type { AuthTarget } from "../../routing/auth-target.ts";
import type { ProxiedRequest } from "../request.ts";

const GET = Buffer.from("GET ");
const VERSIONS = [Buffer.from(" HTTP/1.0\r\n"), Buffer.from(" HTTP/1.1\r\n")] as const;
const HOST = Buffer.from("Host: ");
const CRLF = Buffer.from("\r\n");
const COLON = Buffer.from(": ");
const METHOD = Buffer.from("X-Forwarded-Method: ");
const URI = Buffer.from("X-Forwarded-Uri: ");
/** What is ours to say: from trusted peers, too. */
const TOLD = [Buffer.from("x-forwarded-method"), Buffer.from("x-forwarded-uri")];
/** Beside parts of the request's head and the path that is asked for: the lines' other bytes. */
const ADDED_BYTES = 128;
const QUESTION_MARK = 63;
const SLASH = 47;

/** Fields that a question never has. `Host` is written by itself. */
const LEFT_OUT =
  HOP_BY_HOP_MASK |
  (1 << FieldId.HOST) |
  (1 << FieldId.CONTENT_LENGTH) |
  (1 << FieldId.TRANSFER_ENCODING) |
  (1 << FieldId.TRAILER) |
  (1 << FieldId.EXPECT);
/** Fields that it has even where others are chosen: what we say of the request extends them. */
const ALWAYS = FORWARDING_MASK | (1 << FieldId.TRACEPARENT) | (1 << FieldId.TRACESTATE) | (1 << FieldId.VIA);

/** The head of the question, as a client would have sent it: what proxies add is added when it is sent. */
export function questionHead(request: ProxiedRequest, { path, requestNames }: AuthTarget): Buffer {
  const { headBuffer: buf } = request;
  const head = request.parsedHead();
  const out = Buffer.allocUnsafe(path.length + 2 * (head.headEnd - request.methodStart) + ADDED_BYTES);
  let at = copyAll(out, copyAll(out, 0, GET), path);
  // Without a host (HTTP/1.0, or for no resource: `OPTIONS *`) the server is asked by its own name.
  const named = head.hostEnd > head.hostStart;
  at = copyAll(out, at, VERSIONS[named ? head.versionMinor : 0]);
  if (named) {
    at = copyBytes(out, copyAll(out, at, HOST), buf, head.hostStart, head.hostEnd);
    at = copyAll(out, at, CRLF);
  }
  for (let i = 0; i < head.fieldCount; i++) {
    if (!isTold(buf, head, i, requestNames)) continue;
    const f = i * FIELD_STRIDE;
    at = copyBytes(out, at, buf, head.fields[f], head.fields[f + FieldPart.LINE_END]);
  }
  return out.subarray(0, copyAll(out, at, CRLF));
}

/** Where the path begins in a question's head. */
export const QUESTION_PATH_START = GET.length;

function isTold(buf: Buffer, head: RequestHead, index: number, names: readonly Buffer[]): boolean {
  const id = head.ids[index];
  if (id === FieldId.CONTENT_TYPE || id === FieldId.CONTENT_ENCODING || id === FieldId.CONTENT_RANGE) return false;
  const known = id < SEEN_IDS && id !== FieldId.OTHER;
  if (known && (LEFT_OUT & (1 << id)) !== 0) return false;
  if (head.hasConnectionOptions && fieldIsListedInConnection(buf, head, index)) return false;
  return names.length === 0 || (known && (ALWAYS & (1 << id)) !== 0) || hasName(buf, head, index, names);
}

function hasName(buf: Buffer, head: MessageHead, index: number, names: readonly Buffer[]): boolean {
  const f = index * FIELD_STRIDE;
  return isNamed(names, buf, head.fields[f + FieldPart.NAME_START], head.fields[f + FieldPart.NAME_END]);
}

/**
 * What is added to the question when it is sent: which method it is about, and which path, as it came: what its route makes of
 * it is the server's business, but `/api/v1/request/x` is `/x` for the auth server, too.
 */
export function questionEdits(request: ProxiedRequest): HeadEdits {
  const { headBuffer: buf, methodStart, methodEnd, routedStart, targetEnd } = request;
  const lines = Buffer.allocUnsafe(methodEnd - methodStart + (targetEnd - routedStart) + ADDED_BYTES);
  let at = copyBytes(lines, copyAll(lines, 0, METHOD), buf, methodStart, methodEnd);
  at = copyAll(lines, copyAll(lines, at, CRLF), URI);
  // An absolute-form target without a path: the empty path is "/" (RFC 9110 section 4.2.3).
  if (routedStart === targetEnd || buf[routedStart] === QUESTION_MARK) lines[at++] = SLASH;
  at = copyAll(lines, copyBytes(lines, at, buf, routedStart, targetEnd), CRLF);
  return new HeadEdits(0, TOLD, lines.subarray(0, at));
}

/**
 * What the auth server's response, whose head was parsed from `buf`, changes in the request: the fields of the route are
 * what it says, and nothing else, whatever the client has sent.
 * @returns null when a field can't stand in a request, or they are too long.
 */
export function allowedEdits(
  buf: Buffer,
  head: ResponseHead,
  { responseEdits, responseNames }: AuthTarget,
): HeadEdits | null {
  if (responseNames.length === 0) return responseEdits;
  const lines: Buffer[] = [];
  let bytes = 0;
  for (let i = 0; i < head.fieldCount; i++) {
    if (!hasName(buf, head, i, responseNames) || fieldIsListedInConnection(buf, head, i)) continue;
    const f = i * FIELD_STRIDE;
    const name = buf.subarray(head.fields[f + FieldPart.NAME_START], head.fields[f + FieldPart.NAME_END]);
    const value = buf.subarray(head.fields[f + FieldPart.VALUE_START], head.fields[f + FieldPart.VALUE_END]);
    bytes += name.length + value.length + COLON.length + CRLF.length;
    if (bytes > MAX_MOMENT_BYTES || !isFieldValue(value)) return null;
    lines.push(name, COLON, value, CRLF);
  }
  return new HeadEdits(responseEdits.dropped, responseEdits.names, Buffer.concat(lines));
}

/** Servers get away with control characters in what they send; requests do not. */
function isFieldValue(value: Buffer): boolean {
  for (const byte of value) if ((CHAR_CLASS[byte] & VALUE) === 0) return false;
  return true;
}
