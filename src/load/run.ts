/** A load on a running instance, or on whatever speaks HTTP: at a rate, or by so many clients, until it is over. */
import { fetchFleetReport, TrafficWindow } from "./fleet-report.ts";
import { OpenLoop } from "./open-loop.ts";
import { Outcomes } from "./outcomes.ts";
import type { LoadProgress, LoadSummary, ServerShare } from "./summary.ts";

/** Requests that may be open at once: as many connections as the runtime's client makes. */
export const MOST_OPEN = 256;
/** After a request that got no response a client of the closed loop waits: a refused port is not asked thousands of times a second. */
const AFTER_FAILURE_MS = 20;
const PROGRESS_MS = 1000;
/** The instance counts what its workers tell it a moment later. */
const COUNTED_WITHIN_MS = 1500;
const LOOK_MS = 150;

/**
 * `rate`: so many requests a second, at random times, whatever becomes of them; latency counts from when one was due, so that
 * a server that stalls cannot hide it (no coordinated omission). `clients`: so many, each with one request at a time.
 */
export type Pace =
  | { readonly kind: "rate"; readonly perSecond: number }
  | { readonly kind: "clients"; readonly clients: number };

/** What is asked, each time. */
export interface LoadRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | null;
  /** A response that takes longer has failed, milliseconds. */
  readonly timeoutMs: number;
  /** False: the certificate may be anybody's. */
  readonly isVerified: boolean;
}

/** The whole of it. */
export interface LoadOptions {
  readonly request: LoadRequest;
  readonly pace: Pace;
  /** Ends after so long; `null` = by `requests`. */
  readonly durationMs: number | null;
  /** Ends after so many; `null` = by `durationMs`. */
  readonly requests: number | null;
  readonly stop: AbortSignal;
  /** Called once a second. */
  readonly onProgress: (progress: LoadProgress) => void;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

/** Runs it to its end, waits for what is open then, and sums up. */
export async function runLoad(options: LoadOptions): Promise<LoadSummary> {
  return new Load(options).run();
}

class Load {
  readonly #options: LoadOptions;
  readonly #outcomes: Outcomes;
  readonly #window = new TrafficWindow(Number.POSITIVE_INFINITY);
  readonly #over = Promise.withResolvers<void>();
  readonly #startMs: number;
  /** Requests under way. */
  readonly #open = new Set<AbortController>();
  #isOver = false;
  #begun = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#startMs = options.nowMs();
    this.#outcomes = new Outcomes(this.#startMs);
  }

  async run(): Promise<LoadSummary> {
    const { pace, durationMs, stop, nowMs, onProgress } = this.#options;
    await this.#askServers();
    const begunMs = nowMs();
    const end = () => this.#end();
    // What is open then is not waited for, and counts as nothing.
    const stopped = () => {
      end();
      for (const one of this.#open) one.abort();
    };
    const timer = durationMs === null ? undefined : setTimeout(end, durationMs);
    const tick = setInterval(() => onProgress(this.#outcomes.progress(nowMs(), this.#startMs)), PROGRESS_MS);
    stop.addEventListener("abort", stopped, { once: true });
    if (stop.aborted) end();
    try {
      if (pace.kind === "rate") await this.#atRate(pace.perSecond);
      else await Promise.all(Array.from({ length: pace.clients }, () => this.#client()));
      const seconds = (nowMs() - begunMs) / 1000;
      await this.#askServersUntilCounted();
      return this.#outcomes.summary(this.#options.request.url.href, seconds, this.#shares());
    } finally {
      clearTimeout(timer);
      clearInterval(tick);
      stop.removeEventListener("abort", stopped);
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#over.resolve();
  }

  /** Whether one more is to be sent; who asks sends it. */
  #takes(): boolean {
    const { requests } = this.#options;
    if (this.#isOver) return false;
    this.#begun++;
    if (requests !== null && this.#begun >= requests) this.#end();
    return true;
  }

  async #atRate(perSecond: number): Promise<void> {
    const { random, nowMs } = this.#options;
    const drained = Promise.withResolvers<void>();
    const done = () => {
      if (this.#isOver && this.#open.size === 0) drained.resolve();
    };
    const loop = new OpenLoop({
      perSecond,
      random,
      nowMs,
      send: (intendedMs) => {
        if (!this.#takes()) return;
        if (this.#open.size >= MOST_OPEN) this.#outcomes.notSent(nowMs(), MOST_OPEN);
        else void this.#send(intendedMs).then(done);
      },
    });
    await this.#over.promise;
    loop.stop();
    done();
    await drained.promise;
  }

  async #client(): Promise<void> {
    while (this.#takes()) {
      if (await this.#send(this.#options.nowMs())) continue;
      await Promise.race([Bun.sleep(AFTER_FAILURE_MS), this.#over.promise]);
    }
  }

  /** Resolves when the response has come, or is not to be waited for any more: with whether there was one. */
  async #send(intendedMs: number): Promise<boolean> {
    const { nowMs, request, stop } = this.#options;
    const { url, method, headers, body, timeoutMs, isVerified } = request;
    this.#outcomes.sent(nowMs() - intendedMs);
    const call = new AbortController();
    const timer = setTimeout(() => call.abort(new DOMException("", "TimeoutError")), timeoutMs);
    this.#open.add(call);
    try {
      const response = await fetch(url, {
        method,
        headers,
        body,
        redirect: "manual",
        // What is measured is the server, not a proxy that the environment names, nor how fast this process unpacks.
        proxy: false,
        decompress: false,
        signal: call.signal,
        tls: { rejectUnauthorized: isVerified },
      });
      let bytes = 0;
      for await (const chunk of response.body ?? []) bytes += chunk.byteLength;
      this.#outcomes.response(response.status, bytes, nowMs() - intendedMs, nowMs());
      return true;
    } catch (error) {
      if (!stop.aborted) this.#outcomes.failure(error, timeoutMs, nowMs());
      return false;
    } finally {
      clearTimeout(timer);
      this.#open.delete(call);
    }
  }

  /** Where it is an instance of ours that tells, its servers and what each has had. */
  async #askServers(): Promise<void> {
    const { request, nowMs } = this.#options;
    try {
      const { origin } = request.url;
      this.#window.add(nowMs(), await fetchFleetReport(origin, { tls: { rejectUnauthorized: request.isVerified } }));
    } catch {
      // It is another server, or these paths are its site's: then nobody tells.
    }
  }

  async #askServersUntilCounted(): Promise<void> {
    const { nowMs } = this.#options;
    const deadline = nowMs() + COUNTED_WITHIN_MS;
    await this.#askServers();
    while (this.#window.isFull && this.#window.requests < this.#outcomes.responses && nowMs() < deadline) {
      await Bun.sleep(LOOK_MS);
      await this.#askServers();
    }
  }

  /** `null` where nobody tells. */
  #shares(): readonly ServerShare[] | null {
    if (!this.#window.isFull) return null;
    return [...this.#window.traffic()].map(([url, { requests, share }]) => ({
      url,
      requests,
      share: Number.isNaN(share) ? null : share,
    }));
  }
}
