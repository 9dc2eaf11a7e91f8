/** Fake workers, in a runtime directory of its own. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Workers, type WorkersOptions } from "../../../../src/control/processes/workers/workers.ts";
import type { ProxySettings, ToWorker } from "../../../../src/protocol/worker.ts";
import {
  createRuntimeDirectory,
  createSharedMemory,
  removeRuntimeDirectory,
} from "../../../../src/shared/memory/file.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

export { isAlive } from "../../../support/processes.ts";
export { type LogLine, recordingLogger } from "../../../support/recording-logger.ts";
export { until } from "../../../support/until.ts";

export const settings = {
  listeners: [
    { host: "127.0.0.1", port: 0, tls: false },
    { host: "::1", port: 4000, tls: true },
    { host: "::1", port: 0, tls: true },
  ],
  tls: null,
  shutdownTimeoutMs: 500,
} as unknown as ProxySettings;

/**
 * What processes have appended to a file, a JSON value on each line. One that is there without its first line, or with a part
 * of its last, is being written.
 */
export function readJournal<T>(path: string): T[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line));
}

export function makeWorkers(mode: string, overrides: Partial<WorkersOptions> = {}) {
  const directory = createRuntimeDirectory();
  const memoryPath = join(directory, "memory");
  const journalPath = join(directory, "journal");
  const memory = createSharedMemory(memoryPath);
  const { log, lines } = recordingLogger();
  const workers = new Workers({
    command: [process.execPath, join(import.meta.dir, "workers/fake-worker.ts"), mode, journalPath],
    memory,
    memoryPath,
    adminSocket: join(directory, "admin.sock"),
    settings,
    endpoints: [],
    log,
    clock: () => performance.now(),
    ...overrides,
  });
  /** Every message that any worker received. */
  const journal = () => readJournal<ToWorker & { pid: number }>(journalPath);
  const close = () => {
    workers.kill();
    removeRuntimeDirectory(directory);
  };
  return { workers, directory, memory, lines, journal, close, [Symbol.dispose]: close };
}
