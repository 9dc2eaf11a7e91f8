/** One worker process: spawned with an IPC channel, told to start, killed. It knows nothing of restarts. */
import type { FromWorker, ToWorker, WorkerStart } from "../shared/protocol.ts";

/** How a worker ended: `code` is null after a signal. */
export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | number | null;
}

/** What a worker's process tells. */
export interface WorkerProcessEvents {
  readonly onMessage: (message: FromWorker) => void;
  /** Called once, when the process is gone: nothing writes its block of the shared memory any more. */
  readonly onExit: (exit: WorkerExit) => void;
}

/** A worker's process and the channel to it. Started at once. */
export class WorkerProcess {
  readonly #process: Bun.Subprocess<"ignore", "inherit", "inherit">;
  #connected = true;

  /**
   * Spawns `command` and sends it `start`. Its output goes where the supervisor's goes. Throws when it cannot be spawned.
   */
  constructor(command: readonly string[], start: WorkerStart, events: WorkerProcessEvents) {
    this.#process = Bun.spawn({
      cmd: [...command],
      stdin: "ignore",
      stdout: "inherit",
      stderr: "inherit",
      serialization: "json",
      ipc: (message) => events.onMessage(message as FromWorker),
      onDisconnect: () => {
        this.#connected = false;
      },
      onExit: (process, code) => events.onExit({ code, signal: process.signalCode }),
    });
    this.send(start);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** False once the worker closed its channel: it is about to exit, or cannot be reached any more. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Sends a message; false when the worker is gone or going, which its exit will tell anyway. */
  send(message: ToWorker): boolean {
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
