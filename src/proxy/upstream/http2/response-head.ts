/** Response heads of HTTP/2 as everything behind the seam reads them: in the form of HTTP/1.1, with the length that they have. */
import { isGrpc } from "../../grpc/grpc-message.ts";
import { FieldId } from "../../http1/field-names.ts";
import { BodyKind, FIELD_STRIDE, FieldPart, type HeadLimits, type ResponseHead } from "../../http1/head.ts";
import { parseResponseHead } from "../../http1/response-parser.ts";

/** A head, parsed. */
export interface ReadHead {
  readonly bytes: Buffer;
  /** Offset after its blank line; what is not `> 0` was refused. */
  readonly length: number;
}

/**
 * Parses `head[0 … length)` into `parsed`.
 * @param method index into `METHODS` of the request.
 * @param last the stream ends with the head.
 */
export function readHead(
  head: Buffer,
  length: number,
  parsed: ResponseHead,
  limits: HeadLimits,
  method: number,
  last: boolean,
): ReadHead {
  const end = parseResponseHead(head, 0, length, parsed, limits, method);
  if (end !== length) return { bytes: head, length: -1 };
  if (last || parsed.bodyKind !== BodyKind.LENGTH || !isGrpc(head, parsed)) return { bytes: head, length };
  const anew = withoutLength(head, length, parsed);
  return { bytes: anew, length: parseResponseHead(anew, 0, anew.length, parsed, limits, method) };
}

/** What comes behind the body counts for more than its length, which its frames say anyway: gRPC has its status there. */
function withoutLength(head: Buffer, length: number, { lastIndex, fields }: ResponseHead): Buffer {
  const at = lastIndex[FieldId.CONTENT_LENGTH] * FIELD_STRIDE;
  return Buffer.concat([head.subarray(0, fields[at]), head.subarray(fields[at + FieldPart.LINE_END], length)]);
}
