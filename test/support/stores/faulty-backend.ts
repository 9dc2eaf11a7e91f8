/** A backend that a test makes slow, or makes fail, around one that works; it notices calls that run into each other. */
import type { OwnedBackend } from "../../../src/storage/backend.ts";
import { turn } from "../turn.ts";

/** How it behaves; a test changes it at any time. */
export class Faults {
  /** Thrown by the next calls, one each, before they do anything. */
  readonly errors: unknown[] = [];
  /** Thrown by the next calls, one each, after they have done what was asked: their answers got lost. */
  readonly lostAnswers: unknown[] = [];
  /** Awaited before each call. */
  before: (() => Promise<void>) | null = null;
  /** Names of the calls that were made, in order. */
  readonly calls: string[] = [];
  /** Calls at the same time, at most. */
  mostAtOnce = 0;
  #running = 0;
  #inBackend = 0;

  /** Resolves when no call is in the backend itself; one that `before` keeps waiting is not. */
  async settled(): Promise<void> {
    do await turn();
    while (this.#inBackend > 0);
  }

  /** `backend`, with these faults in its reads and writes. Opening, mending and closing only wait. */
  around<Backend extends object>(backend: Backend): Backend {
    return new Proxy(backend, {
      get: (target, name: string) => {
        const member = target[name as keyof Backend];
        if (typeof member !== "function") return member;
        return (...parameters: never[]) =>
          this.#run(name, () => (member as unknown as CallOf).apply(target, parameters));
      },
    });
  }

  async #run(name: string, call: () => Promise<unknown>): Promise<unknown> {
    this.calls.push(name);
    // Giving up need not wait for what hangs.
    if (name !== "close") this.#running++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#running);
    try {
      await this.before?.();
      if (!LIFE.includes(name) && this.errors.length > 0) throw this.errors.shift();
      this.#inBackend++;
      try {
        const answer = await call();
        if (!LIFE.includes(name) && this.lostAnswers.length > 0) throw this.lostAnswers.shift();
        return answer;
      } finally {
        this.#inBackend--;
      }
    } finally {
      if (name !== "close") this.#running--;
    }
  }
}

type CallOf = (...parameters: never[]) => Promise<unknown>;

const LIFE: readonly string[] = ["open", "mend", "close"] satisfies (keyof OwnedBackend<never, never, never>)[];
