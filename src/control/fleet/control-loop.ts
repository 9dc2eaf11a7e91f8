/** When a fleet decides: in turns, and at once when a server fails everything. */
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

/** One fleet's. */
export class ControlLoop {
  readonly #work: LoopWork;
  readonly #nowMs: () => number;
  #timer: Timer | undefined;
  #stopped = false;
  /** Monotonic milliseconds of the next turn. */
  #tickDueMs = 0;

  /** @param nowMs monotonic clock, milliseconds. */
  constructor(work: LoopWork, nowMs: () => number) {
    this.#work = work;
    this.#nowMs = nowMs;
  }

  /** Does nothing once it was stopped. */
  start(): void {
    this.#lookAgain();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Each look wakes a process that may have nothing else to do. */
  #lookAgain(): void {
    if (this.#stopped) return;
    const idle = this.#work.idleMs(this.#nowMs()) > CONTROL_TICK_MS;
    this.#timer = setTimeout(
      () => {
        try {
          this.#look();
        } finally {
          this.#lookAgain();
        }
      },
      idle ? CONTROL_TICK_MS : CONTROL_LOOK_MS,
    );
  }

  #look(): void {
    const nowMs = this.#nowMs();
    const due = nowMs >= this.#tickDueMs;
    if (!due && !this.#work.alarming()) return;
    if (due) this.#tickDueMs = nowMs + CONTROL_TICK_MS - CONTROL_LOOK_MS / 2; // timers are late: the fifth look is to be the one
    this.#work.tick();
  }
}
