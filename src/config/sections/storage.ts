/** Settings of what is kept, and which of them say where. */
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { StoreLocation } from "../../storage/backends.ts";
import { type SectionValues, setting } from "../setting.ts";
import { integer, path, size, toggle } from "../values/value-types.ts";
import type { database } from "./history.ts";

/** The settings that say where things are kept. */
export type StoreSettings = SectionValues<{ storage: typeof storage; database: typeof database }>;

/** The embedded store of what is learned. */
export const storage = {
  title: "Storage",
  doc: "What is learned from traffic (samples, models, verdicts) is kept in a file and survives restarts. When the directory cannot be used, it is kept in memory, and the log says so. Each instance needs a directory of its own.",
  settings: {
    dataDir: setting({
      env: "DATA_DIR",
      type: path,
      default: "./data",
      doc: "Directory of the store, made when it is missing. It needs a local file system.",
      common: true,
    }),
    keepSamples: setting({
      env: "LEARNING_SAMPLES",
      type: toggle,
      default: "on",
      doc: "Keep samples of traffic under every strategy, so that `ml` has a history to learn from on the day it is chosen. `off`: only while the strategy is `ml`.",
      givenTo: { pool: "keepSamples" },
    }),
    maxSamples: setting({
      env: "LEARNING_MAX_SAMPLES",
      type: integer(1_000, 10_000_000),
      default: "500000",
      doc: "Samples of traffic that are kept, about 150 bytes each; the oldest go first.",
    }),
    maxFileSizeBytes: setting({
      env: "LEARNING_MAX_MEGABYTES",
      type: size(16, 1_000_000, "mebibyte"),
      default: "256",
      doc: "Size of the store's file, beyond which the oldest samples go. Its log takes up to 8 MB more.",
    }),
  },
};

/** Where they say that the store is: the one place that knows which of them decides. */
export function toStoreLocation({ storage, database }: StoreSettings): StoreLocation {
  const { instanceName, host, password, port, name, user, sslMode, sslRootCert } = database;
  if (host === null) {
    const named = instanceName === null ? {} : { instance: instanceName };
    return Object.freeze({ kind: "sqlite", directory: storage.dataDir, ...named });
  }
  return Object.freeze({
    kind: "postgres",
    host,
    port,
    database: name,
    user,
    password: password ?? "", // consistency/database.ts refuses that
    sslMode,
    sslRootCert: sslRootCert === null ? null : resolve(sslRootCert),
    instance: instanceName ?? hostname(),
    maxOpenConnections: database.maxOpenConnections,
    maxIdleConnections: database.maxIdleConnections,
    connectionLifetimeMs: database.connectionLifetimeMs,
    connectTimeoutMs: database.connectTimeoutMs,
    statementTimeoutMs: database.statementTimeoutMs,
  });
}

/** The same with paths that mean the same in another directory: for processes of ours. */
export function toAbsoluteLocation({ storage, database }: StoreSettings): StoreLocation {
  return toStoreLocation({ storage: { ...storage, dataDir: resolve(storage.dataDir) }, database });
}
