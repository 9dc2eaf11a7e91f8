/** Balancers that stand still: what comes to them waits, as in the buffers of their sockets, until they go on. */
export class FrozenBalancers {
  /** By balancer: for how many reasons it stands still. */
  readonly #reasons: Int32Array;
  readonly #sinceMs: Float64Array;
  readonly #waiting: (() => void)[][];
  readonly #onThaw: (balancer: number, sinceMs: number) => void;

  /** @param onThaw told that a balancer goes on which has stood still since, before anything happens that waited. */
  constructor(balancers: number, onThaw: (balancer: number, sinceMs: number) => void) {
    this.#onThaw = onThaw;
    this.#sinceMs = new Float64Array(balancers);
    this.#reasons = new Int32Array(balancers);
    this.#waiting = Array.from({ length: balancers }, () => []);
  }

  isFrozen(balancer: number): boolean {
    return this.#reasons[balancer] > 0;
  }

  /** `event` is for later: it happens when the balancer goes on, behind what came before it. */
  defer(balancer: number, event: () => void): void {
    this.#waiting[balancer].push(event);
  }

  /** @param by 1 = one more reason to stand still, -1 = one less; behind the last of them everything happens that waited. */
  freeze(balancer: number, by: 1 | -1, nowMs: number): void {
    const wasFrozen = this.isFrozen(balancer);
    this.#reasons[balancer] += by;
    if (!wasFrozen) this.#sinceMs[balancer] = nowMs;
    if (this.isFrozen(balancer)) return;
    this.#onThaw(balancer, this.#sinceMs[balancer]);
    const waiting = this.#waiting[balancer];
    this.#waiting[balancer] = [];
    for (const event of waiting) event();
  }
}
