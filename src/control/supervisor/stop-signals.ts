/** How an instance is told to stop. */
import type { EventEmitter } from "node:events";

/** npm passes on a Ctrl-C that the terminal has sent already: the same signal so soon is the same request. */
const ECHO_MS = 1000;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;

/** SIGTERM and SIGINT: the first asks to stop, the second insists. */
export class StopSignals {
  /** Resolves to who asked. */
  readonly first: Promise<string>;
  /** Resolves to the exit code. */
  readonly second: Promise<number>;
  readonly #first = Promise.withResolvers<string>();
  #asked = false;
  #askedBy = "";
  #askedAtMs = 0;

  /** @param process who gets them. @param nowMs any clock that goes on, milliseconds. */
  constructor(process: Pick<EventEmitter, "on">, nowMs: () => number) {
    const second = Promise.withResolvers<number>();
    this.first = this.#first.promise;
    this.second = second.promise;
    for (const [signal, number] of Object.entries(SIGNAL_NUMBERS)) {
      process.on(signal, () => {
        const isEcho = this.#askedBy === signal && nowMs() - this.#askedAtMs < ECHO_MS;
        if (this.#asked && !isEcho) second.resolve(128 + number);
        if (!this.#asked) {
          this.#askedBy = signal;
          this.#askedAtMs = nowMs();
        }
        this.ask(signal);
      });
    }
  }

  /** `by` asks to stop; insists on nothing when that was asked before. */
  ask(by: string): void {
    this.#asked = true;
    this.#first.resolve(by);
  }
}
