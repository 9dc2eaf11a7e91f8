/**
 * Which failures had a cause. Someone plays with the demo, kills a server, and requests that it had in hand fail: that
 * is as it should be. A failure while nothing was wrong is a fault of the product and makes the demo exit with 1.
 */

/** A frozen server fails requests for some seconds before its checks notice, hence the time before. */
const BEFORE_MS = 10_000;
const AFTER_MS = 3000;
/** Failure times kept for the verdict at the end; all beyond are counted as unexplained. */
const MAX_FAILURES = 100_000;

export class Disturbances {
  readonly #intervals: { readonly name: string; readonly fromMs: number; toMs: number }[] = [];
  readonly #failures: number[] = [];
  #beyond = 0;

  /** Something named went wrong; no effect while it is wrong already. */
  begin(name: string, atMs: number): void {
    if (this.#open(name)) return;
    this.#intervals.push({ name, fromMs: atMs, toMs: Number.POSITIVE_INFINITY });
  }

  /** It is well again. */
  end(name: string, atMs: number): void {
    const open = this.#open(name);
    if (open) open.toMs = atMs;
  }

  failure(atMs: number): void {
    if (this.#failures.length < MAX_FAILURES) this.#failures.push(atMs);
    else this.#beyond++;
  }

  /** Failures that no disturbance explains. */
  unexplained(): number {
    const causeless = (atMs: number) =>
      !this.#intervals.some(({ fromMs, toMs }) => atMs >= fromMs - BEFORE_MS && atMs <= toMs + AFTER_MS);
    return this.#failures.filter(causeless).length + this.#beyond;
  }

  #open(name: string) {
    return this.#intervals.find((one) => one.name === name && one.toMs === Number.POSITIVE_INFINITY);
  }
}
