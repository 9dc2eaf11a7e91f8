/** Reads `ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } }`. */
import { fields } from "./protobuf-reader.ts";

/** What a collector said of what it took. */
export interface PartialSuccess {
  readonly rejectedSpans: number;
  /** May be there without a rejected span: a warning. */
  readonly message: string;
}

/** The most of a message that is kept. */
const MAX_MESSAGE = 200;

/** Throws when it is no such message. Nothing at all is one: everything was taken. */
export function readExportResponse(bytes: Uint8Array): PartialSuccess {
  let found: PartialSuccess = { rejectedSpans: 0, message: "" };
  for (const { field, value } of fields(bytes)) {
    if (field !== 1) continue;
    if (typeof value === "number") throw new Error("partial_success is no message");
    let { rejectedSpans, message } = found;
    for (const part of fields(value)) {
      if (part.field === 1 && typeof part.value === "number") rejectedSpans = part.value;
      if (part.field === 2 && typeof part.value !== "number") message = printable(part.value);
    }
    found = { rejectedSpans, message };
  }
  return found;
}

/** A text of somebody else's, as a log may have it. */
export function printable(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, MAX_MESSAGE * 4))
    .toString("utf8")
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .trim()
    .slice(0, MAX_MESSAGE);
}
