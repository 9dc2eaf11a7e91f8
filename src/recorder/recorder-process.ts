/** The recorder process: composition root of history. It owns clocks, rings and store, and hands them down. */
import type { FromRecorder, RecorderStart, ToRecorder } from "../protocol/recorder.ts";
import { openSharedMemory } from "../shared/memory/file.ts";
import { createLogger } from "../telemetry/log/logger.ts";
import { replaceableLogger } from "../telemetry/log/replaceable-logger.ts";
import { keepAlive } from "./heartbeat.ts";

/** A recorder that runs. */
interface Running {
  readonly tell: (message: ToRecorder) => void;
  readonly close: () => Promise<void>;
}

/** Runs the recorder until the supervisor says "drain", or is gone. */
export function runRecorder(): void {
  let running: Running | undefined;
  const tell = (message: FromRecorder): void => void process.send?.(message);
  // The terminal sends Ctrl-C to the whole process group; what it means is the supervisor's decision.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("SIGHUP", () => {});
  process.on("message", (message: ToRecorder) => {
    if (message.type === "start") {
      try {
        running = start(message);
        tell({ type: "ready" });
      } catch (error) {
        tell({ type: "failed", message: (error as Error).message });
        process.exitCode = 1;
        setTimeout(() => process.exit(1), 100); // time for the message to leave
      }
    } else if (message.type === "drain") void end(running);
    else running?.tell(message);
  });
  // The supervisor is gone, and the workers are going.
  process.on("disconnect", () => void end(running));
}

async function end(running: Running | undefined): Promise<void> {
  try {
    await running?.close();
  } finally {
    process.exit(0);
  }
}

function start(message: RecorderStart): Running {
  const { memoryPath, logLevel: level, logFormat: format } = message;
  const memory = openSharedMemory(memoryPath);
  const logger = replaceableLogger(createLogger({ level, format, name: "recorder" }));
  keepAlive(memory.recorder.counters, () => Date.now());
  return {
    tell: (told) => {
      if (told.type !== "log") return;
      logger.replace(createLogger({ level: told.level, format: told.format, name: "recorder" }));
    },
    close: async () => {},
  };
}
