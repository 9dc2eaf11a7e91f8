/** Reads `ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } }`. */
import { fields } from "./protobuf-reader.ts";

/** What a collector said of what it took. */
export interface PartialSuccess {
  readonly rejectedSpans: number;
  /** May be there without a rejected span: a warning. */
  readonly message: string;
}

/** From there on an int64 is negative (protocol buffers write it as if it had no sign). */
const SIGN = 2 ** 63;

/**
 * Throws when it is no such message. Nothing at all is one: everything was taken.
 * @param say what may be shown of a text of the collector's.
 */
export function readExportResponse(bytes: Uint8Array, say: (text: Uint8Array) => string): PartialSuccess {
  let found: PartialSuccess = { rejectedSpans: 0, message: "" };
  for (const { field, value } of fields(bytes)) {
    if (field !== 1) continue;
    if (typeof value === "number") throw new Error("partial_success is no message");
    let { rejectedSpans, message } = found;
    for (const part of fields(value)) {
      if (part.field === 1 && typeof part.value === "number") {
        rejectedSpans = part.value < SIGN ? part.value : 0; // less than nothing is nothing
      }
      if (part.field === 2 && typeof part.value !== "number") message = say(part.value);
    }
    found = { rejectedSpans, message };
  }
  return found;
}
