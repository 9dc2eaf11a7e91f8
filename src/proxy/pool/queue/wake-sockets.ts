/**
 * How workers of one instance tell each other of places: a byte on a Unix socket in the instance's directory. A worker listens
 * from the first request on that waits in it; who has something to tell connects then, and again when the other was replaced.
 * At most one byte is under way to a worker (`WorkerInfo.WOKEN`), so nothing queues, and nothing blocks: what cannot be
 * sent is lost, and found by the look that each worker with waiting requests takes from time to time.
 */
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import type { WorkerBlock } from "../../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import type { Wakes } from "./neighbours.ts";

const BYTE = new Uint8Array([1]);

/** Where worker `index` listens. */
export function wakeSocketPath(directory: string, index: number): string {
  return join(directory, `wake-${index}.sock`);
}

/** What they are made from. */
export interface WakeSocketsParts {
  /** The instance's directory. */
  readonly directory: string;
  /** Of this worker. */
  readonly index: number;
  readonly block: WorkerBlock;
  readonly log: { warn(fields: object, message: string): void };
  readonly onError: (error: unknown) => void;
}

/** Those of one worker. */
export class WakeSockets implements Wakes {
  readonly #parts: WakeSocketsParts;
  onWake: () => void = () => {};
  #isListening = false;
  /** By worker. */
  readonly #open = new Map<number, Bun.Socket>();
  readonly #opening = new Set<number>();

  constructor(parts: WakeSocketsParts) {
    this.#parts = parts;
    parts.block.counters[WorkerCounter.WAKES_DEGRADED] = 0;
  }

  listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const { directory, index, block, log, onError } = this.#parts;
    const unix = wakeSocketPath(directory, index);
    try {
      removeOld(unix);
      Bun.listen({
        unix,
        socket: {
          data: () => {
            try {
              this.onWake();
            } catch (error) {
              onError(error);
            }
          },
        },
      });
    } catch (error) {
      block.counters[WorkerCounter.WAKES_DEGRADED] = 1;
      log.warn(
        { err: error, path: unix },
        "other workers cannot tell of places: waiting requests look for them themselves",
      );
    }
  }

  send(worker: number): void {
    const socket = this.#open.get(worker);
    if (socket !== undefined) socket.write(BYTE);
    else if (!this.#opening.has(worker)) void this.#connect(worker);
  }

  async #connect(worker: number): Promise<void> {
    this.#opening.add(worker);
    const gone = (socket: Bun.Socket): void => {
      if (this.#open.get(worker) === socket) this.#open.delete(worker);
    };
    try {
      const socket = await Bun.connect({
        unix: wakeSocketPath(this.#parts.directory, worker),
        socket: { data() {}, close: gone, error: gone },
      });
      this.#open.set(worker, socket);
      socket.write(BYTE);
    } catch {
      // It does not listen any more, or not yet: it looks by itself.
    } finally {
      this.#opening.delete(worker);
    }
  }
}

/** A worker that was killed has left its own. */
function removeOld(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** For a worker that has no others beside it, and for tests. */
export const NO_WAKES: Wakes = { onWake() {}, listen() {}, send() {} };
