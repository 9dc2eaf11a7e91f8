/**
 * When a collector wants to be asked again: `google.rpc.Status { details = 3 }`, of which one `Any { type_url = 1, value = 2 }`
 * is a `google.rpc.RetryInfo { retry_delay = 1 { seconds = 1, nanos = 2 } }`.
 */
import { fields } from "../encode/protobuf-reader.ts";
import { waitOf } from "./sender.ts";

const TYPE = "google.rpc.RetryInfo";

/** Milliseconds; `null` = it does not say. */
export function retryInfoMs(status: Uint8Array): number | null {
  try {
    for (const { field, value } of fields(status)) {
      if (field !== 3 || typeof value === "number") continue;
      const delay = delayOf(value);
      if (delay !== null) return waitOf(delay);
    }
  } catch {
    // Whoever writes such details says nothing that we could go by.
  }
  return null;
}

function delayOf(any: Uint8Array): number | null {
  let isRetryInfo = false;
  let info: Uint8Array | null = null;
  for (const { field, value } of fields(any)) {
    if (typeof value === "number") continue;
    if (field === 1) isRetryInfo = Buffer.from(value).toString("latin1").endsWith(`/${TYPE}`);
    if (field === 2) info = value;
  }
  if (!isRetryInfo || info === null) return null;
  for (const { field, value } of fields(info)) {
    if (field !== 1 || typeof value === "number") continue;
    let ms = 0;
    for (const part of fields(value)) {
      if (typeof part.value !== "number") continue;
      if (part.field === 1) ms += part.value * 1000;
      if (part.field === 2) ms += part.value / 1e6;
    }
    return ms;
  }
  return 0;
}
