/** A worker pool over fake workers, in a runtime directory of its own. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { WorkerPool, type WorkerPoolOptions } from "../../../src/control/worker-pool.ts";
import { createRuntimeDirectory, createSharedMemory, removeRuntimeDirectory } from "../../../src/shared/memory-file.ts";
import type { ProxySettings, ToWorker } from "../../../src/shared/protocol.ts";
import type { Logger } from "../../../src/telemetry/logger.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A logger that keeps its lines. */
export function recordingLogger(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: object | string, message?: string) => {
    lines.push(typeof fields === "string" ? { level, message: fields } : { ...fields, level, message: message ?? "" });
  };
  const log = {
    level: "info",
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
  };
  return { log: log as unknown as Logger, lines };
}

/** Waits until `condition` holds; throws after `deadlineMs`. */
export async function until(condition: () => unknown, deadlineMs = 8_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${condition}`);
    await Bun.sleep(10);
  }
}

/** False also for a dead process that nobody has waited for yet. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const stat = `/proc/${pid}/stat`;
    return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, "utf8"));
  } catch {
    return false;
  }
}

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
