/** Who trains, as this instance may rely on it: by its own clock, whatever Redis's does meanwhile. Pure; the clock is passed in. */
import type { Lease } from "./model-registry.ts";

/** A lease that is not renewed for so many of its times is taken away, whatever Redis's clock says of it. */
const SILENT_LEASES = 3;

export class LeaseWatch {
  readonly #id: string;
  readonly #leaseMs: number;
  #lease: Lease | null = null;
  /** When it was last renewed, or another came. */
  #movedMs = Number.NEGATIVE_INFINITY;
  /** Until when this instance may rely on its own. */
  #untilMs = Number.NEGATIVE_INFINITY;

  /** @param id of this instance. */
  constructor(id: string, leaseMs: number) {
    this.#id = id;
    this.#leaseMs = leaseMs;
  }

  /** This instance trains. */
  isHeld(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** Of its own lease; 0 = it has none. */
  get token(): number {
    return this.#lease?.id === this.#id ? this.#lease.token : 0;
  }

  /** Of a lease whose holder has not been heard of for too long; 0 = of none. */
  silentToken(nowMs: number): number {
    if (this.#lease === null || this.#lease.id === this.#id) return 0;
    return nowMs - this.#movedMs >= SILENT_LEASES * this.#leaseMs ? this.#lease.token : 0;
  }

  /** What Redis says. @param askedMs when it was asked: a lease lasts from then on at least. */
  hear(lease: Lease | null, askedMs: number, nowMs: number): void {
    if (lease?.token !== this.#lease?.token || lease?.beat !== this.#lease?.beat) this.#movedMs = nowMs;
    this.#lease = lease;
    this.#untilMs = lease?.id === this.#id ? askedMs + this.#leaseMs : Number.NEGATIVE_INFINITY;
  }

  /** It does not train any more. */
  lose(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }
}
