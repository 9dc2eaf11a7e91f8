/** The server for trials: echoes what it was asked, reports its load, and can be slow or failing on purpose. */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { DEFAULT_KNOBS, drawLatencyMs, type Knobs, turnKnobs } from "./knobs.ts";
import { ORCA_HEADER, orcaReport } from "./orca.ts";
import { CpuMeter, memoryPercent, processCpuMs } from "./resource-usage.ts";
import { LineLeft, WorkLine } from "./work-line.ts";

const SAMPLE_EVERY_MS = 500;
const MAX_KNOBS_BYTES = 64 * 1024;
/** What a response says that fails because of `error_rate`. */
export const ON_PURPOSE = "failing on purpose";

/** How a server for trials is started. */
export interface BackendOptions {
  /** Address to listen on; `127.0.0.1` unless given. */
  readonly host?: string;
  /** 0 = any free port. */
  readonly port: number;
  /** `<host name>-<port>` unless given. */
  readonly instanceId?: string;
  /** True: every response carries an ORCA load report. */
  readonly orca?: boolean;
  readonly knobs?: Partial<Knobs>;
  /** Uniform in [0, 1): decides on jitter, errors and hangs. */
  readonly random: () => number;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

/** A running server for trials. */
export interface Backend {
  readonly port: number;
  readonly instanceId: string;
  /** `http://host:port`. */
  readonly url: string;
  /** Turns knobs, as `POST /_admin/knobs` does. Throws a `RangeError` that lists every wrong value. */
  turn(change: unknown): Knobs;
  stats(): BackendStats;
  /**
   * Accepts nothing new, waits up to `graceMs` for the requests it has (those that hang on purpose are cut), then
   * closes every connection.
   */
  stop(graceMs?: number): Promise<void>;
}

/** What `GET /_stats` answers. `/health`, `/metrics` and the paths that begin with `_` are not counted. */
export interface BackendStats {
  readonly received: number;
  /** Answered with 200. */
  readonly served: number;
  /** Answered with 500 because of `error_rate`. */
  readonly errors: number;
  /** Never answered because of `hang_rate`. */
  readonly hung: number;
  /** Left by their client before they were answered. */
  readonly abandoned: number;
  readonly in_flight: number;
  readonly waiting: number;
  readonly max_in_flight: number;
  readonly body_bytes: number;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Starts a server for trials. Throws what `Bun.serve` throws when the port is taken (`code` is `EADDRINUSE`). */
export function startBackend(options: BackendOptions): Backend {
  return new DemoServer(options);
}

class DemoServer implements Backend {
  readonly #options: BackendOptions;
  readonly #server: Bun.Server<undefined>;
  readonly #line: WorkLine;
  readonly #cpu: CpuMeter;
  readonly #sampler: ReturnType<typeof setInterval>;
  readonly #startedMs: number;
  readonly #count: Writable<BackendStats> = {
    received: 0,
    served: 0,
    errors: 0,
    hung: 0,
    abandoned: 0,
    in_flight: 0,
    waiting: 0,
    max_in_flight: 0,
    body_bytes: 0,
  };
  #knobs: Knobs;
  #memoryPercent = memoryPercent();
  #hanging = 0;
  #stopping = false;
  readonly port: number;
  readonly instanceId: string;
  readonly url: string;

  constructor(options: BackendOptions) {
    this.#options = options;
    this.#knobs = turnKnobs(DEFAULT_KNOBS, options.knobs ?? {});
    this.#line = new WorkLine(this.#knobs.concurrency);
    const host = options.host ?? "127.0.0.1";
    this.#server = Bun.serve({
      hostname: host,
      port: options.port,
      // Slow and hanging requests must outlive Bun's ten seconds: when they end is for their client to say.
      idleTimeout: 0,
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      fetch: (request) => this.#respond(request),
      error: (error) => Response.json({ error: error.message }, { status: 500 }),
    });
    this.port = this.#server.port!;
    this.instanceId = options.instanceId || `${hostname()}-${this.port}`;
    this.url = `http://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
    this.#startedMs = options.nowMs();
    this.#cpu = new CpuMeter(processCpuMs, this.#startedMs);
    this.#sampler = setInterval(() => {
      this.#cpu.sample(options.nowMs());
      this.#memoryPercent = memoryPercent();
    }, SAMPLE_EVERY_MS);
    this.#sampler.unref();
  }

  turn(change: unknown): Knobs {
    this.#knobs = turnKnobs(this.#knobs, change);
    this.#line.setWorkers(this.#knobs.concurrency);
    return this.#knobs;
  }

  stats(): BackendStats {
    return { ...this.#count, waiting: this.#line.waiting };
  }

  async stop(graceMs = 10_000): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#sampler);
    void this.#server.stop();
    const deadline = this.#options.nowMs() + graceMs;
    // pendingRequests falls when a response has been written, not merely handed over.
    while (this.#server.pendingRequests > this.#hanging && this.#options.nowMs() < deadline) await Bun.sleep(10);
    await this.#server.stop(true);
  }

  async #respond(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const response = await this.#route(request, path);
    if (this.#options.orca) response.headers.set(ORCA_HEADER, orcaReport(this.#cpu.percent, this.#memoryPercent));
    if (this.#stopping) response.headers.set("connection", "close");
    return response;
  }

  async #route(request: Request, path: string): Promise<Response> {
    switch (path) {
      case "/health":
        return this.#knobs.fail_health
          ? Response.json({ status: "failing", instance: this.instanceId }, { status: 503 })
          : Response.json({ status: "ok", instance: this.instanceId });
      case "/metrics":
        return Response.json({ cpu_usage: round(this.#cpu.percent), memory_usage: round(this.#memoryPercent) });
      case "/_stats":
        return Response.json(this.stats());
      case "/_admin/knobs":
        return this.#admin(request);
      default:
        return this.#work(request, path);
    }
  }

  async #admin(request: Request): Promise<Response> {
    if (request.method === "GET" || request.method === "HEAD") return Response.json(this.#knobs);
    if (request.method !== "POST") {
      return Response.json({ error: "GET or POST" }, { status: 405, headers: { allow: "GET, POST" } });
    }
    const text = await request.text();
    try {
      if (text.length > MAX_KNOBS_BYTES) throw new RangeError("knobs: too long");
      return Response.json(this.turn(JSON.parse(text)));
    } catch (error) {
      return Response.json({ error: (error as Error).message, knobs: this.#knobs }, { status: 400 });
    }
  }

  /** The life of a request: read its body, hang or wait for a worker, take the time that work takes, echo. */
  async #work(request: Request, path: string): Promise<Response> {
    const count = this.#count;
    const { random } = this.#options;
    count.received++;
    count.in_flight++;
    count.max_in_flight = Math.max(count.max_in_flight, count.in_flight);
    try {
      const body = await this.#readBody(request);
      if (random() < this.#knobs.hang_rate) return await this.#hang(request.signal);
      await this.#line.enter(request.signal);
      try {
        const latencyMs = drawLatencyMs(this.#knobs, random);
        if (latencyMs > 0) await Bun.sleep(latencyMs);
      } finally {
        this.#line.leave();
      }
      if (random() < this.#knobs.error_rate) {
        count.errors++;
        return Response.json({ error: ON_PURPOSE, instance: this.instanceId }, { status: 500 });
      }
      count.served++;
      return Response.json(this.#echo(request, path, body), { headers: { "x-instance": this.instanceId } });
    } catch (error) {
      if (!(error instanceof LineLeft) && !request.signal.aborted) throw error;
      count.abandoned++;
      return Response.json({ error: (error as Error).message }, { status: 503, headers: { "retry-after": "1" } });
    } finally {
      count.in_flight--;
    }
  }

  async #readBody(request: Request): Promise<{ bytes: number; sha256: string } | null> {
    if (!request.body) return null;
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of request.body) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      this.#count.body_bytes += chunk.byteLength;
    }
    return { bytes, sha256: hash.digest("hex") };
  }

  #echo(request: Request, path: string, body: { bytes: number; sha256: string } | null) {
    return {
      instance: this.instanceId,
      pid: process.pid,
      method: request.method,
      path: path + new URL(request.url).search,
      headers: Object.fromEntries(request.headers),
      ...(body && { body }),
      served: this.#count.served,
      uptime_seconds: round((this.#options.nowMs() - this.#startedMs) / 1000),
    };
  }

  #hang(signal: AbortSignal): Promise<never> {
    this.#count.hung++;
    this.#hanging++;
    return new Promise((_, reject) => {
      const release = () => {
        this.#hanging--;
        reject(new LineLeft("left while hanging"));
      };
      if (signal.aborted) release();
      else signal.addEventListener("abort", release, { once: true });
    });
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
