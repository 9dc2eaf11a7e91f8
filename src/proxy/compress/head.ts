/** The head of a response that is compressed, or might have been: as the server would have written it. */
import { FieldId } from "../http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type ResponseHead } from "../http1/head.ts";
import { fieldValue, isField } from "../http1/header-text.ts";
import type { CompressionPlan } from "./plan.ts";

/** How long the body is that goes with it. */
export const BodyLength = { CHUNKED: -1, NONE: -2 } as const;

/** Fields of the content as it was: digests of it (RFC 9530, RFC 3230, RFC 1864), and that parts of it can be had. */
const OF_THE_CONTENT = ["content-digest", "repr-digest", "digest", "content-md5", "accept-ranges"].map((name) =>
  Buffer.from(name),
);
const ETAG = Buffer.from("etag");
const VARY = Buffer.from("vary");

/**
 * @param head parsed from `bytes`.
 * @param length of the body that follows in bytes, or one of `BodyLength`; only looked at where there is an encoding.
 */
export function compressedHead(
  head: ResponseHead,
  bytes: Buffer,
  { encoding }: CompressionPlan,
  length: number,
): Buffer {
  const reason = bytes.toString("latin1", head.reasonStart, head.reasonEnd);
  const lines = [`HTTP/1.${encoding === null ? head.versionMinor : 1} ${head.status} ${reason}`];
  const vary = varyLine(head, bytes);
  for (let index = 0; index < head.fieldCount; index++) {
    if (index === vary.index) lines.push(vary.line);
    else if (encoding === null) lines.push(lineOf(head, bytes, index));
    else if (!isReplaced(head, bytes, index)) {
      const isTag = isField(bytes, head, index, ETAG);
      lines.push(isTag ? weakTagLine(head, bytes, index) : lineOf(head, bytes, index));
    }
  }
  if (vary.index < 0) lines.push(vary.line);
  if (encoding !== null) {
    lines.push(`Content-Encoding: ${encoding}`);
    if (length >= 0) lines.push(`Content-Length: ${length}`);
    else if (length === BodyLength.CHUNKED) lines.push("Transfer-Encoding: chunked");
  }
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

function isReplaced(head: ResponseHead, bytes: Buffer, index: number): boolean {
  const id = head.ids[index];
  if (id === FieldId.CONTENT_LENGTH || id === FieldId.TRANSFER_ENCODING) return true;
  return id === FieldId.OTHER && OF_THE_CONTENT.some((name) => isField(bytes, head, index, name));
}

/** What is compressed in another way is not the same bytes (RFC 9110 section 8.8.1). */
function weakTagLine(head: ResponseHead, bytes: Buffer, index: number): string {
  const value = fieldValue(bytes, head, index);
  return `ETag: ${value.startsWith("W/") ? value : `W/${value}`}`;
}

/** The line that says of `Accept-Encoding` that it was looked at, and which it stands for; -1 = none. */
function varyLine(head: ResponseHead, bytes: Buffer): { readonly index: number; readonly line: string } {
  let last = -1;
  for (let index = 0; index < head.fieldCount; index++) {
    if (!isField(bytes, head, index, VARY)) continue;
    const names = fieldValue(bytes, head, index).toLowerCase().split(",");
    if (names.some((name) => name.trim() === "accept-encoding" || name.trim() === "*")) {
      return { index, line: lineOf(head, bytes, index) };
    }
    last = index;
  }
  const before = last < 0 ? "" : fieldValue(bytes, head, last);
  return { index: last, line: `Vary: ${before === "" ? "" : `${before}, `}Accept-Encoding` };
}

function lineOf(head: ResponseHead, bytes: Buffer, index: number): string {
  const at = index * FIELD_STRIDE;
  const name = bytes.toString("latin1", head.fields[at + FieldPart.NAME_START], head.fields[at + FieldPart.NAME_END]);
  return `${name}: ${fieldValue(bytes, head, index)}`;
}
