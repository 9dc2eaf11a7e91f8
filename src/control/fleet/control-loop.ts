/** When fleets decide: in turns, and at once when a server fails everything. */
import { CONTROL_LOOK_MS, CONTROL_TICK_MS } from "../../health/control-loop.ts";

/** What is done at these times. */
export interface LoopWork {
  /** One turn. */
  tick(): void;
  /** Should the next turn not wait for its time? Cheap. */
  alarming(): boolean;
  /** How long nothing has happened to any server. */
  idleMs(nowMs: number): number;
}

/** One instance's: each look wakes a process that may have nothing else to do, however many fleets there are. */
export class ControlLoop {
  readonly #works = new Set<LoopWork>();
  readonly #nowMs: () => number;
  #timer: Timer | undefined;
  /** Monotonic milliseconds of the next turn. */
  #tickDueMs = 0;

  /** @param nowMs monotonic clock, milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** From now on its turns come. */
  add(work: LoopWork): void {
    this.#works.add(work);
    if (this.#timer === undefined) this.#lookAgain();
  }

  /** None comes any more. */
  remove(work: LoopWork): void {
    this.#works.delete(work);
    if (this.#works.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** No turn comes any more. */
  stop(): void {
    for (const work of [...this.#works]) this.remove(work);
  }

  #lookAgain(): void {
    const nowMs = this.#nowMs();
    const idle = [...this.#works].every((work) => work.idleMs(nowMs) > CONTROL_TICK_MS);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        try {
          this.#look();
        } finally {
          if (this.#works.size > 0 && this.#timer === undefined) this.#lookAgain();
        }
      },
      idle ? CONTROL_TICK_MS : CONTROL_LOOK_MS,
    );
  }

  #look(): void {
    const nowMs = this.#nowMs();
    const due = nowMs >= this.#tickDueMs;
    if (due) this.#tickDueMs = nowMs + CONTROL_TICK_MS - CONTROL_LOOK_MS / 2; // timers are late: the fifth look is to be the one
    const errors: unknown[] = [];
    for (const work of [...this.#works]) {
      try {
        if (due || work.alarming()) work.tick();
      } catch (error) {
        errors.push(error); // the others have their turn all the same
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
