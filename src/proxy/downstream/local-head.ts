/** The head of a response of our own, as HTTP/1.1 has it. Built as text: this is not the hot path. */
import { REASON_PHRASES } from "../http1/reason-phrases.ts";
import { fieldsOf, type LocalResponse } from "../local/response.ts";
import type { HeadEdits } from "../rewrite/edits.ts";

/**
 * All of it, changed by `edits`.
 * @param dateLine the present `Date: …` line.
 * @param connectionLine what is said of the connection; empty = nothing.
 */
export function localHead(
  response: LocalResponse,
  dateLine: Buffer,
  edits: HeadEdits | null,
  connectionLine = "",
): Buffer {
  const { status } = response;
  const fields = fieldsOf(response, edits)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  return Buffer.from(
    `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? ""}\r\n${dateLine.toString("latin1")}${fields}${connectionLine}\r\n`,
    "latin1",
  );
}
