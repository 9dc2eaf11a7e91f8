/** One worker: the process with its index, kept alive. */

import type { FromWorker, ToWorker, WorkerStart } from "../../../protocol/worker.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Events } from "../../events/events.ts";
import { ProcessKeeper, type RestartReason } from "../keeper.ts";
import { reclaimWorkerBlock } from "./reclaim.ts";

/** What a worker needs of those who keep them all. */
export interface WorkerHost {
  readonly command: readonly string[];
  readonly memory: SharedMemory;
  readonly log: Logger;
  readonly events?: Events;
  readonly reclaimLimits?: (index: number) => void;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  /** Checks without a sign of life after which a worker counts as hung. */
  readonly hungTicks: number;
  /** The message that starts worker `index` with what is known now. */
  startMessage(index: number): WorkerStart;
  /** @param ports of the listeners, in the order of the settings. */
  onReady(ports: readonly number[]): void;
  /** It goes by one more of the messages it was sent. */
  onSettled(worker: WorkerProcess): void;
  /** A worker could not start or died. Returns false when it is not to be started again. */
  onDeath(worker: WorkerProcess, sentence: string, reason: RestartReason): boolean;
  /** A draining worker has exited. */
  onGone(worker: WorkerProcess): void;
}

export class WorkerProcess extends ProcessKeeper<ToWorker, FromWorker> {
  readonly index: number;

  constructor(index: number, host: WorkerHost) {
    const { command, memory, log, events, clock, hungTicks } = host;
    super({
      command,
      log,
      events,
      clock,
      hungTicks,
      kind: "worker",
      name: `worker ${index}`,
      fields: { worker: index },
      startMessage: () => host.startMessage(index),
      heartbeat: () => memory.workers[index].counters[WorkerCounter.HEARTBEAT_MS],
      reclaim: () => {
        host.reclaimLimits?.(index);
        return { requests_lost: reclaimWorkerBlock(memory, index) };
      },
      onReady: ({ ports }) => {
        log.info({ worker: index, worker_pid: this.pid, port: ports[0] }, "worker ready");
        host.onReady(ports);
      },
      onMessage: ({ type }) => {
        if (type === "settled") host.onSettled(this);
      },
      onDeath: (sentence, reason) => host.onDeath(this, sentence, reason),
      onGone: () => host.onGone(this),
    });
    this.index = index;
  }
}
