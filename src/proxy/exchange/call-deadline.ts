/** The time that the client of a call of gRPC gives it, whatever phase it is in: `grpc-timeout`. */
import { Timed, type TimerWheel } from "../sockets/timer-wheel.ts";

/** Longer ones never pass: nobody waits for weeks. */
const LONGEST_MS = 2 ** 31;

/** One exchange's. */
export class CallDeadline extends Timed {
  readonly #wheel: TimerWheel;
  readonly #onPassed: (nowMs: number) => void;

  constructor(wheel: TimerWheel, onPassed: (nowMs: number) => void) {
    super();
    this.#wheel = wheel;
    this.#onPassed = onPassed;
  }

  /** The call has begun at `startedMs`, and has so long. */
  begin(startedMs: number, timeoutMs: number): void {
    this.#wheel.set(this, startedMs + Math.min(timeoutMs, LONGEST_MS));
  }

  /** It is over. */
  end(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(nowMs: number): void {
    this.#onPassed(nowMs);
  }
}
