/** The process that gets certificates, as the supervisor sees it. Nobody waits for it: what it has got is in files. */
import type { AcmeStart, FromAcme, ToAcme } from "../../../protocol/acme.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { Events } from "../../events/events.ts";
import { SoleProcess, type SoleProcessStatus } from "../sole-process.ts";

/** A hung one does no harm: it is given time. */
const TICK_MS = 1_000;
const HUNG_AFTER_MS = 30_000;
/** It lets go of challenges and of the lease. */
const STOP_MS = 2_000;

/** What its keeper is made from. */
export interface AcmeOptions {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly log: Logger;
  readonly events: Events;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
  readonly startMessage: () => AcmeStart;
  readonly onMessage: (message: FromAcme) => void;
  /** It has died, or was ended: it answers for nothing any more. */
  readonly onGone: () => void;
}

/** One instance's. */
export class Acme {
  readonly #process: SoleProcess<ToAcme, FromAcme>;
  #beats = 0;
  #rssBytes = 0;
  #openDescriptors = 0;

  constructor({ command, log, events, clock, startMessage, onMessage, onGone }: AcmeOptions) {
    this.#process = new SoleProcess({
      command,
      log,
      events,
      clock,
      kind: "acme",
      name: "the process of ACME",
      tickMs: TICK_MS,
      hungAfterMs: HUNG_AFTER_MS,
      startMessage,
      heartbeat: () => this.#beats,
      reclaim: () => onGone(),
      onReady: ({ pid }) => log.info({ acme_pid: pid }, "the process that gets certificates is ready"),
      onMessage: (message) => {
        if (message.type !== "alive") return onMessage(message);
        this.#beats++;
        this.#rssBytes = message.rssBytes;
        this.#openDescriptors = message.openDescriptors;
      },
    });
  }

  /** `null` while it is not meant to run. */
  get status(): SoleProcessStatus | null {
    return this.#process.status;
  }

  get rssBytes(): number {
    return this.#rssBytes;
  }

  get openDescriptors(): number {
    return this.#openDescriptors;
  }

  start(): void {
    this.#process.start();
  }

  /** @returns false when there is nobody to tell. */
  tell(message: ToAcme): boolean {
    return this.#process.keeper?.send(message) ?? false;
  }

  async stop(): Promise<void> {
    await this.#process.stop(STOP_MS);
  }
}
