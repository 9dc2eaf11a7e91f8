/** The extract of the configuration that the recorder needs. */
import { resolve } from "node:path";
import type { RecorderSettings } from "../protocol/recorder.ts";
import type { Config } from "./config.ts";
import { given } from "./given.ts";
import { toStoreLocation } from "./sections/storage.ts";

/** `null` = nothing is to be recorded. */
export function toRecorderSettings(config: Config): RecorderSettings | null {
  const { history, storage } = config;
  if (!history.enabled) return null;
  const { detailRetentionMs, minutesRetentionMs, hoursRetentionMs, maxFileSizeBytes } = history;
  return Object.freeze({
    ...given(config, "recorder"),
    store: toStoreLocation({ ...storage, dataDir: resolve(storage.dataDir) }),
    limits: Object.freeze({
      detailMs: detailRetentionMs,
      minutesMs: minutesRetentionMs,
      hoursMs: hoursRetentionMs,
      maxBytes: maxFileSizeBytes,
    }),
  });
}
