/** Responses that the balancer gives itself, in whatever protocol they are sent. */
import { Method } from "../../shared/memory/series-table.ts";
import { editedFields, type HeadEdits } from "../rewrite/edits.ts";

/** Name and value, in order. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** One response, before it is put on the wire. */
export interface LocalResponse {
  readonly status: number;
  /** Empty = there is no body. */
  readonly type: string;
  /** Bytes are sent as they are, and may be shared by several responses. */
  readonly body: string | Uint8Array;
  /** Beyond those that all of them have. */
  readonly fields: Fields;
  /** It may be kept by caches, as far as its status allows that; else they are told not to. */
  readonly storable?: boolean;
}

function bodyBytesOf({ body }: LocalResponse): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.length;
}

/** Neither a body nor a word of one (RFC 9110 sections 8.6, 15.3.5 and 15.4.5). */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** The body that is sent to a request with this method. */
export function sentBody(response: LocalResponse, method: number): string | Uint8Array {
  return method === Method.HEAD || isBodiless(response.status) ? "" : response.body;
}

/** Bytes of the body that is sent to a request with this method. */
export function sentBodyBytes(response: LocalResponse, method: number): number {
  return method === Method.HEAD || isBodiless(response.status) ? 0 : bodyBytesOf(response);
}

/** All its fields, in order, as `edits` change them. */
export function fieldsOf(response: LocalResponse, edits: HeadEdits | null): Fields {
  const { status, type, storable, fields } = response;
  const all: [string, string][] = [];
  if (!isBodiless(status)) {
    if (type !== "") all.push(["Content-Type", type]);
    all.push(["Content-Length", `${bodyBytesOf(response)}`]);
  }
  if (!storable) all.push(["Cache-Control", "no-store"]);
  return editedFields([...all, ...fields], edits);
}
