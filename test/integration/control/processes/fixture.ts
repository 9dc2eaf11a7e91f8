/** A worker pool over fake workers, in a runtime directory of its own. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { WorkerPool, type WorkerPoolOptions } from "../../../../src/control/processes/worker-pool.ts";
import {
  createRuntimeDirectory,
  createSharedMemory,
  removeRuntimeDirectory,
} from "../../../../src/shared/memory-file.ts";
import type { ProxySettings, ToWorker } from "../../../../src/shared/protocol.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

export { isAlive } from "../../../support/processes.ts";
export { type LogLine, recordingLogger } from "../../../support/recording-logger.ts";
export { until } from "../../../support/until.ts";

export const settings = { port: 0, tls: null, strategy: "random", shutdownTimeoutMs: 500 } as unknown as ProxySettings;

export function makePool(mode: string, overrides: Partial<WorkerPoolOptions> = {}) {
  const directory = createRuntimeDirectory();
  const memoryPath = join(directory, "memory");
  const journalPath = join(directory, "journal");
  const memory = createSharedMemory(memoryPath);
  const { log, lines } = recordingLogger();
  const pool = new WorkerPool({
    command: [process.execPath, join(import.meta.dir, "fake-worker.ts"), mode, journalPath],
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
  const journal = (): (ToWorker & { pid: number })[] =>
    existsSync(journalPath)
      ? readFileSync(journalPath, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line))
      : [];
  const close = () => {
    pool.kill();
    removeRuntimeDirectory(directory);
  };
  return { pool, directory, memory, lines, journal, close, [Symbol.dispose]: close };
}
