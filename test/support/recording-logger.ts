/** A logger for tests that keeps what it is told. */
import type { LogFields, Logger } from "../../src/telemetry/log/logger.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A logger that keeps its lines, those of its children as well. */
export function recordingLogger(): { log: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const said = new Set<string>();
  const loggerWith = (more: LogFields): Logger => {
    const at = (level: string) => (fields: LogFields | string, message?: string) => {
      const line = typeof fields === "string" ? { message: fields } : { ...fields, message: message ?? "" };
      lines.push({ ...more, ...line, level });
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => loggerWith({ ...more, ...fields }),
      once: (key, message, fields = {}) => {
        if (said.has(key)) return;
        said.add(key);
        at("warn")(fields, message);
      },
    };
  };
  return { log: loggerWith({}), lines };
}
