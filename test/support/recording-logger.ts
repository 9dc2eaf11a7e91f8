/** A logger for tests that keeps what it is told. */
import type { Logger } from "../../src/telemetry/log/logger.ts";

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
