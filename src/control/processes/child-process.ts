/** A process of ours: spawned with an IPC channel, told to start, killed. It knows nothing of restarts. */
import { environmentForChildren } from "../../config/environment.ts";
import { type ForeignLinesOptions, logForeignLines } from "../../telemetry/log/foreign-lines.ts";
import { LOG_FLAGS } from "../../telemetry/log/own-descriptor.ts";

/** How a process ended: `code` is null after a signal. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | number | null;
}

/** What a process tells. */
export interface ChildProcessEvents<From> {
  readonly onMessage: (message: From) => void;
  /** Called once, when the process is gone: nothing writes its part of the shared memory any more. */
  readonly onExit: (exit: ProcessExit) => void;
  /** Where goes what it prints beside its log; its process id is added. */
  readonly printed: ForeignLinesOptions;
}

const STANDARD_ERROR = 2;

/** A process and the channel to it, on which it is told `To` and tells `From`. Started at once. */
export class ChildProcess<To, From> {
  readonly #process: Bun.Subprocess<"ignore", "inherit", "pipe">;
  #connected = true;

  /**
   * Spawns `command` and sends it `start`. Its output and its log go where the supervisor's go. Throws when it cannot be spawned.
   */
  constructor(command: readonly string[], start: To, events: ChildProcessEvents<From>) {
    this.#process = Bun.spawn({
      cmd: [...command, ...LOG_FLAGS],
      env: environmentForChildren(),
      stdio: ["ignore", "inherit", "pipe", STANDARD_ERROR],
      serialization: "json",
      ipc: (message) => events.onMessage(message as From),
      onDisconnect: () => {
        this.#connected = false;
      },
      onExit: (process, code) => events.onExit({ code, signal: process.signalCode }),
    });
    const { printed } = events;
    const fields = { ...printed.fields, printed_by: this.pid };
    void logForeignLines(this.#process.stderr, { ...printed, fields });
    this.send(start);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** False once the process closed its channel: it is about to exit, or cannot be reached any more. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Sends a message; false when the process is gone or going, which its exit will tell anyway. */
  send(message: To): boolean {
    if (!this.#connected) return false;
    try {
      this.#process.send(message);
      return true;
    } catch {
      return false;
    }
  }

  /** Ends the process at once (SIGKILL). */
  kill(): void {
    this.#process.kill("SIGKILL");
  }
}
