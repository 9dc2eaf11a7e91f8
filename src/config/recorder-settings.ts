/** The extract of the configuration that the recorder needs. */
import type { RecorderSettings } from "../protocol/recorder.ts";
import type { Config } from "./config.ts";
import { given } from "./given.ts";
import { toAbsoluteLocation } from "./sections/storage.ts";

/** `null` = nothing is to be recorded. */
export function toRecorderSettings(config: Config): RecorderSettings | null {
  const { history } = config;
  if (!history.enabled) return null;
  const { detailRetentionMs, minutesRetentionMs, hoursRetentionMs, maxFileSizeBytes } = history;
  return Object.freeze({
    ...given(config, "recorder"),
    store: toAbsoluteLocation(config),
    limits: Object.freeze({
      detailMs: detailRetentionMs,
      minutesMs: minutesRetentionMs,
      hoursMs: hoursRetentionMs,
      maxBytes: maxFileSizeBytes,
    }),
  });
}
