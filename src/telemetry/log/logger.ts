/**
 * The process's own log: what an operator should know, on standard error. Access lines are elsewhere (they are many and
 * go to standard output). Lines are written at once, so that the last words of a dying process are not lost.
 */
import { isatty } from "node:tty";
import pino from "pino";
import { jsonLine, textLine } from "./log-lines.ts";
import { LogSink } from "./log-sink.ts";
import { ownLogDescriptor } from "./own-descriptor.ts";

/** What a line says beside its message. Names are snake_case; an `Error` goes under `err`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One level: a message, or fields and a message. */
export interface LogMethod {
  (message: string): void;
  (fields: LogFields, message: string): void;
}

/** What the rest of the product knows of logging. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A logger whose every line carries `fields` as well. */
  child(fields: LogFields): Logger;
  /**
   * Warns once for each `key`, for degraded modes that would repeat with every request. Children share the memory.
   */
  once(key: string, message: string, fields?: LogFields): void;
}

/** What a log looks like and where it goes. */
export interface LoggerOptions {
  /** A pino level, such as `info`. */
  readonly level: string;
  readonly format: "json" | "text";
  /** Which process speaks: `supervisor`, `worker-1`. */
  readonly name: string;
  /** File descriptor; by default the one of this process (own-descriptor.ts). */
  readonly fd?: number;
}

/** Makes a logger that writes synchronously and never waits for a reader. */
export function createLogger({ level, format, name, fd }: LoggerOptions): Logger {
  const own = fd ?? ownLogDescriptor();
  const sink = new LogSink(own);
  const colour = fd === undefined && isatty(own);
  const render = format === "text" ? (line: string) => textLine(line, colour) : jsonLine;
  const base = pino(
    {
      level,
      base: { process: name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line) => sink.write(render(line)) },
  );
  return wrap(base, new Set());
}

function wrap(logger: pino.Logger, said: Set<string>): Logger {
  return Object.freeze({
    debug: logger.debug.bind(logger) as LogMethod,
    info: logger.info.bind(logger) as LogMethod,
    warn: logger.warn.bind(logger) as LogMethod,
    error: logger.error.bind(logger) as LogMethod,
    child: (fields: LogFields) => wrap(logger.child(fields), said),
    once: (key: string, message: string, fields: LogFields = {}) => {
      if (said.has(key)) return;
      said.add(key);
      logger.warn(fields, message);
    },
  });
}
