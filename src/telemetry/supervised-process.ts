/**
 * A process that the supervisor keeps, from within: what signals mean to it, how it is started, told things and ended, and where
 * its log goes. The supervisor's side is `src/control/processes/`.
 */
import { endOnUncaught } from "./log/last-words.ts";
import { createLogger, type Logger } from "./log/logger.ts";
import { replaceableLogger } from "./log/replaceable-logger.ts";

/** Time for the last message to leave, milliseconds. */
const LAST_MESSAGE_MS = 100;

/** What every such process is told. */
type Told =
  | { readonly type: "start"; readonly logLevel: string; readonly logFormat: "json" | "text" }
  | { readonly type: "log"; readonly level: string; readonly format: "json" | "text" }
  | { readonly type: "drain" };

/** What is its own business. */
export type OwnMessage<To> = Exclude<To, Told>;

/** One that runs. */
export interface Running<To> {
  /** One message is taken after the other. */
  tell(message: OwnMessage<To>): void | Promise<void>;
  /** Brings home what is left. @param lateMs for so long it has been meant to end already: it was still starting. */
  close(lateMs: number): Promise<void>;
}

/** What it works with. */
export interface SupervisedHost<From> {
  readonly log: Logger;
  /** Nothing happens when the supervisor is gone. */
  readonly tell: (message: From) => void;
}

/** How it begins. What it throws is told, and the process exits with 1. */
export type Start<To, From> = (
  message: Extract<To, { readonly type: "start" }>,
  host: SupervisedHost<From>,
) => Running<To> | Promise<Running<To>>;

/**
 * Signals that reach the whole process group, from a terminal or a tool, mean nothing here: what they mean is the supervisor's
 * decision.
 */
export function leaveSignalsToSupervisor(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"] as const) process.on(signal, () => {});
}

/** Runs until the supervisor says "drain", or is gone. @param name in its log. */
export function runSupervised<To extends { readonly type: string }, From>(name: string, start: Start<To, From>): void {
  leaveSignalsToSupervisor();
  const send = (message: unknown): void => {
    if (process.connected) process.send?.(message);
  };
  let running: Running<To> | undefined;
  let isEnding = false;
  const end = async (toldMs: number): Promise<void> => {
    if (isEnding) return;
    isEnding = true;
    try {
      await running?.close(performance.now() - toldMs);
    } finally {
      process.exit(0);
    }
  };
  let replaceLog: (logger: Logger) => void = () => {};
  const begin = async (message: Extract<Told, { type: "start" }>): Promise<void> => {
    const logger = replaceableLogger(createLogger({ level: message.logLevel, format: message.logFormat, name }));
    replaceLog = logger.replace;
    endOnUncaught(logger.log);
    try {
      running = await start(message as unknown as Extract<To, { type: "start" }>, { log: logger.log, tell: send });
      send({ type: "ready" });
    } catch (error) {
      send({ type: "failed", message: (error as Error).message });
      process.exitCode = 1;
      setTimeout(() => process.exit(1), LAST_MESSAGE_MS);
    }
  };
  const take = async (message: Told | OwnMessage<To>, atMs: number): Promise<void> => {
    const told = message as Told;
    if (told.type === "start") await begin(told);
    else if (told.type === "drain") void end(atMs);
    else if (told.type === "log") replaceLog(createLogger({ level: told.level, format: told.format, name }));
    else await running?.tell(message as OwnMessage<To>);
  };
  // One after another, as they came: some need code that is not loaded yet.
  let taken: Promise<void> = Promise.resolve();
  process.on("message", (message: Told | OwnMessage<To>) => {
    const atMs = performance.now();
    taken = taken.then(() => take(message, atMs));
  });
  // The supervisor is gone, and the workers are going.
  process.on("disconnect", () => void end(performance.now()));
}
