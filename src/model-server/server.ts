/** The contract's model server: scores for servers over HTTP. */
import { version as productVersion } from "../../package.json";
import type { ModelServerConfig } from "../config/model-server.ts";
import { SCORE } from "../shared/ranges.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import { complete, exposition } from "../telemetry/metrics/exposition.ts";
import { FORMATS } from "../telemetry/metrics/formats/formats.ts";
import { CONTENT_TYPES, preferredFormat } from "../telemetry/metrics/formats/negotiation.ts";
import { ModelServerCounts, modelServerMetrics } from "./metrics.ts";
import { ModelHolder, type ServedModel } from "./model-holder.ts";
import { BadBody, readPredictBody, type Servers, toRows } from "./predict-body.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** What the listener cuts off without an explanation; up to here a response says what is wrong. */
const HARD_LIMIT_BYTES = 4 * MAX_BODY_BYTES;
const IDLE_TIMEOUT_SECONDS = 60;
/** How often the model's files are looked at. */
const POLL_MS = 1000;

/** How a model server is started. */
export interface ModelServerOptions {
  readonly config: ModelServerConfig;
  readonly log: Logger;
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
}

/** A running model server. */
export interface ModelServer {
  /** `http://host:port`. */
  readonly url: string;
  readonly port: number;
  /** Resolves when the first model serves, or was not fit to: `/health` says why. */
  readonly loaded: Promise<unknown>;
  /** Accepts nothing new, finishes what it has (up to `SHUTDOWN_TIMEOUT_SECONDS`), closes all connections. */
  stop(): Promise<void>;
}

/**
 * Starts the server, which answers while its model is loaded: wait for `loaded` where that matters. Throws what `Bun.serve`
 * throws when the port is taken (`code` is `EADDRINUSE`).
 */
export function startModelServer(options: ModelServerOptions): ModelServer {
  const counts = new ModelServerCounts();
  const { config, log, nowMs } = options;
  return new HttpModelServer(options, new ModelHolder({ settings: config.model, counts, log, nowMs }), counts);
}

type Handler = (request: Request) => Response | Promise<Response>;

class HttpModelServer implements ModelServer {
  readonly #options: ModelServerOptions;
  readonly #holder: ModelHolder;
  readonly #counts: ModelServerCounts;
  readonly #server: Bun.Server<undefined>;
  readonly #poll: Timer;
  #stopping = false;
  readonly url: string;
  readonly port: number;
  readonly loaded: Promise<unknown>;

  /** By path, then by method. */
  readonly #routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
    "/predict": { POST: (request) => this.#predict(request) },
    "/health": { GET: () => this.#health() },
    "/version": { GET: () => this.#version() },
    "/reload": { POST: () => this.#reload() },
    "/metrics": { GET: (request: Request) => this.#metrics(request) },
  };

  constructor(options: ModelServerOptions, holder: ModelHolder, counts: ModelServerCounts) {
    const { host, port } = options.config.service;
    this.#options = options;
    this.#holder = holder;
    this.#counts = counts;
    this.#server = Bun.serve({
      hostname: host,
      port,
      reusePort: false,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      maxRequestBodySize: HARD_LIMIT_BYTES,
      development: false,
      fetch: (request) => this.#respond(request),
      error: (error) => {
        options.log.error({ err: error }, "internal error while answering a request");
        return refuse(500, "internal error");
      },
    });
    this.port = this.#server.port!;
    this.url = `http://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
    this.loaded = holder.load();
    this.#poll = setInterval(() => {
      holder.poll().catch((error) => options.log.error({ err: error }, "cannot look at the model's files"));
    }, POLL_MS);
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    clearInterval(this.#poll);
    void this.#server.stop();
    const { config, nowMs } = this.#options;
    const deadline = nowMs() + config.app.shutdownTimeoutMs;
    // pendingRequests falls when a response has been written, not merely handed over.
    while (this.#server.pendingRequests > 0 && nowMs() < deadline) await Bun.sleep(10);
    await this.#server.stop(true);
    await this.#holder.close();
  }

  async #respond(request: Request): Promise<Response> {
    const route = Object.hasOwn(this.#routes, pathOf(request)) ? this.#routes[pathOf(request)] : undefined;
    const method = request.method === "HEAD" ? "GET" : request.method;
    let response: Response;
    if (route === undefined) {
      response = refuse(404, `there is nothing here: ${Object.keys(this.#routes).join(", ")} are`);
    } else if (!Object.hasOwn(route, method)) {
      const allow = Object.keys(route).join(", ");
      response = refuse(405, `${request.method} is not understood here: use ${allow}`);
      response.headers.set("allow", allow);
    } else {
      response = await route[method](request);
    }
    if (this.#stopping) response.headers.set("connection", "close");
    return response;
  }

  /** The life of a prediction: read its body, check it, feed the model by name, answer. */
  async #predict(request: Request): Promise<Response> {
    const { errors } = this.#counts;
    this.#counts.requests++;
    const text = await readText(request, MAX_BODY_BYTES);
    if (text === null) {
      errors.too_large++;
      return refuse(413, `the body has more than ${MAX_BODY_BYTES} bytes: ask for fewer servers at once`);
    }
    let servers: Servers;
    try {
      servers = readPredictBody(text);
    } catch (error) {
      if (!(error instanceof BadBody)) throw error;
      errors.bad_request++;
      return Response.json({ error: error.message, problems: error.problems }, { status: 400 });
    }
    const model = this.#holder.served;
    if (model === null) {
      errors.no_model++;
      return refuse(503, `there is no model: ${this.#holder.problem}`);
    }
    try {
      const scores = await model.batcher.predict(toRows(servers, model.featureNames), servers.length);
      return Response.json({ predictions: toPredictions(model, scores) });
    } catch (error) {
      errors.inference++;
      this.#options.log.warn({ err: error, version: model.version }, "the model failed");
      return refuse(500, `the model ${model.version} failed: ${(error as Error).message}`);
    }
  }

  #health(): Response {
    const { served, problem } = this.#holder;
    return Response.json({
      status: served === null ? "degraded" : "ok",
      model_loaded: served !== null,
      model_version: served?.version ?? null,
      ...(problem !== null && { problem }),
    });
  }

  #version(): Response {
    const { served } = this.#holder;
    return Response.json({
      version: productVersion,
      model_version: served?.version ?? null,
      model_fingerprint: served?.fingerprint ?? null,
      features: served?.featureNames ?? null,
      output: served?.outputKind ?? null,
    });
  }

  async #reload(): Promise<Response> {
    const loaded = await this.#holder.load();
    const { served, problem } = this.#holder;
    const state = { model_loaded: served !== null, model_version: served?.version ?? null };
    if (loaded) return Response.json({ status: "reloaded", ...state });
    return Response.json({ status: "rejected", error: problem, ...state }, { status: 422 });
  }

  #metrics(request: Request): Response {
    const format = preferredFormat(request.headers.get("accept"));
    const source = { counts: this.#counts, served: () => this.#holder.served };
    const bytes = complete(exposition([modelServerMetrics], source, FORMATS[format]));
    return new Response(bytes, { headers: { "content-type": CONTENT_TYPES[format], vary: "Accept" } });
  }
}

/**
 * One score per server, lower is better. What our own networks give is a logarithm: as a cost relative to the fleet's mean
 * it can be multiplied and compared like the scores of any other model.
 */
function toPredictions({ outputKind }: ServedModel, scores: Float32Array): number[] {
  // No more than whoever asks can take for a score.
  return Array.from(scores, (score) =>
    Math.max(SCORE.least, Math.min(SCORE.most, outputKind === "score" ? score : Math.exp(score))),
  );
}

function pathOf(request: Request): string {
  return new URL(request.url).pathname;
}

function refuse(status: number, error: string): Response {
  return Response.json({ error }, { status });
}

/** The body as text, or `null` when it is longer than `limit`. */
async function readText(request: Request, limit: number): Promise<string | null> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) return null;
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limit) return null;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
