/** How long the ladder stays down. */
import type { GuardrailOptions } from "../options.ts";

/** Each further strike holds twice as long as the one before, up to the longest; a long good time forgives them all. */
export class Hold {
  readonly #options: Pick<GuardrailOptions, "holdMs" | "longestHoldMs">;
  #strikes: number;
  #untilMs: number;

  /** @param leftMs how long it still lasts. */
  constructor(
    options: Pick<GuardrailOptions, "holdMs" | "longestHoldMs">,
    nowMs: number,
    strikes: number,
    leftMs: number,
  ) {
    this.#options = options;
    this.#strikes = strikes;
    this.#untilMs = nowMs + leftMs;
  }

  get strikes(): number {
    return this.#strikes;
  }

  /** How long it still lasts, milliseconds. */
  leftMs(nowMs: number): number {
    return Math.max(0, this.#untilMs - nowMs);
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.#untilMs;
  }

  /** One more strike. @returns how long it holds, milliseconds. */
  strike(nowMs: number): number {
    const { holdMs, longestHoldMs } = this.#options;
    const lengthMs = Math.min(holdMs * 2 ** Math.min(this.#strikes, 30), longestHoldMs);
    this.#strikes++;
    this.#untilMs = nowMs + lengthMs;
    return lengthMs;
  }

  /** Begins anew, without a strike. */
  begin(nowMs: number): void {
    this.#untilMs = nowMs + this.#options.holdMs;
  }

  /** The trouble lasts: the hold begins when it has gone, but is not shorter than it was to be. */
  extend(nowMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, nowMs + this.#options.holdMs);
  }

  /** There is nothing to wait for any more. */
  end(nowMs: number): void {
    this.#untilMs = nowMs;
  }

  forgive(): void {
    this.#strikes = 0;
  }
}
