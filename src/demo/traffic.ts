/** The demo's clients: several users who ask for pages at random times over keep-alive connections. */
import { ON_PURPOSE } from "../backend/server.ts";
import { failureOf } from "../load/failure.ts";
import { OpenLoop } from "../load/open-loop.ts";
import type { RollingStats } from "../load/rolling-stats.ts";

/** A request without a response by then has failed. */
const TIMEOUT_MS = 10_000;
/** More open requests than this are not sent but counted as failed: the demo is bounded, whatever it balances. */
const MAX_OPEN = 1000;
const PATHS = ["/", "/products", "/products/42", "/search?q=balance", "/cart", "/api/orders"];

/** What traffic is made. */
export interface TrafficOptions {
  /** `http://host:port` of the balancer. */
  readonly url: string;
  /** Requests per second, over all clients. */
  readonly perSecond: number;
  readonly clients: number;
  readonly stats: RollingStats;
  /** A request failed, with a few words why; on purpose when a server was told to fail by its knobs. */
  readonly onFailure: (atMs: number, reason: string, onPurpose: boolean) => void;
  readonly random: () => number;
  readonly nowMs: () => number;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #loop: OpenLoop;
  #open = 0;
  #sent = 0;

  /** Starts to send at once. */
  constructor(options: TrafficOptions) {
    this.#options = options;
    const { perSecond, random, nowMs } = options;
    this.#loop = new OpenLoop({ perSecond, random, nowMs, send: (intendedMs) => void this.#send(intendedMs) });
  }

  /** Requests a second. */
  get rate(): number {
    return this.#loop.rate;
  }

  /** Sends so many from now on, > 0. */
  setRate(perSecond: number): void {
    this.#loop.setRate(perSecond);
  }

  /** Sends nothing more and waits for the responses that are due, at most `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#loop.stop();
    const deadline = this.#options.nowMs() + graceMs;
    while (this.#open > 0 && this.#options.nowMs() < deadline) await Bun.sleep(10);
  }

  async #send(intendedMs: number): Promise<void> {
    const { url, clients, stats, onFailure, random, nowMs } = this.#options;
    const fail = (reason: string, onPurpose = false) => {
      stats.failure(nowMs());
      onFailure(nowMs(), reason, onPurpose);
    };
    if (this.#open >= MAX_OPEN) {
      fail(`not sent: ${MAX_OPEN} requests are open`);
      return;
    }
    const client = this.#sent++ % clients;
    this.#open++;
    try {
      const response = await fetch(url + PATHS[Math.floor(random() * PATHS.length)], {
        headers: { "user-agent": `neurabalancer-demo/client-${client + 1}` },
        redirect: "manual",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const text = await response.text();
      if (response.ok) stats.success(nowMs() - intendedMs, nowMs());
      else if (text.includes(ON_PURPOSE)) fail(`status ${response.status}, ${ON_PURPOSE}`, true);
      else fail(`status ${response.status}`);
    } catch (error) {
      fail(failureOf(error, TIMEOUT_MS));
    } finally {
      this.#open--;
    }
  }
}
