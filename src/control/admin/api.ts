/**
 * The HTTP API of the control plane. Two doors lead here: the admin port, and the socket over which workers pass on the
 * reserved paths of the public port. The public door only reads, and only what the contract shows to everyone.
 */
import type { LearnerOrder } from "../../shared/protocol.ts";
import { type Readiness, readinessCode } from "../../shared/readiness.ts";
import { ReservedPath } from "../../shared/reserved-paths.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { Work } from "../../telemetry/metrics/exposition.ts";
import { PROMETHEUS_TEXT } from "../../telemetry/metrics/prometheus-text.ts";
import type { ServerStatus } from "../fleet/options.ts";
import { applyChange, type ChangeableFleet, readChange, unknownServer } from "./changes.ts";
import { type GuardOptions, requireOwnName, requireSameSite, requireToken } from "./guard.ts";
import type { LearningResponses } from "./learner-responses.ts";
import { limitIn, numberIn, ORDER_PATH, readOrder } from "./learning.ts";
import { ApiError, json, jsonBlob } from "./responses.ts";
import { BusyError, SharedResponse } from "./shared-response.ts";
import { targetOf } from "./target.ts";

/** What the API shows and changes. */
export interface AdminControl {
  readonly fleet: ChangeableFleet & {
    /** One after the other, as they are read. */
    statuses(): Iterable<ServerStatus>;
    server(id: number): ServerStatus | undefined;
  };
  readiness(): Readiness;
  /** Reads and writes all metrics. */
  metrics(): Work<Buffer>;
  prometheusEnabled(): boolean;
  /** The instance for people; secrets hidden. */
  status(): object;
  readonly learning: Pick<LearningResponses, "overview" | "explain" | "models" | "verdicts" | "order">;
  /** Milliseconds since the epoch. */
  wallMs(): number;
  /** Monotonic, milliseconds. */
  nowMs(): number;
}

/** Where a request came in. */
export type Door = { readonly kind: "relay" } | ({ readonly kind: "admin" } & GuardOptions);

interface Route {
  readonly path: RegExp;
  /** Also answered to everyone, through the workers. */
  readonly public: boolean;
  /** Never asks for the token: what watches the instance rarely has one. */
  readonly open: boolean;
  readonly methods: Readonly<
    Record<string, (request: Request, match: RegExpExecArray) => Response | Promise<Response>>
  >;
}

function exactly(path: string): RegExp {
  return new RegExp(`^${RegExp.escape(path)}$`);
}

function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError(400, "invalid_request_id", "the request id is not percent-encoded correctly");
  }
}

const RETRY_SOON = { "retry-after": "1" } as const;

/** What several readers share takes memory once. */
function* metricsBlob(control: AdminControl): Work<Blob> {
  return new Blob([yield* control.metrics()]);
}

function* serversBlob({ fleet }: AdminControl): Work<Blob> {
  const servers: string[] = [];
  for (const server of fleet.statuses()) {
    servers.push(JSON.stringify(server));
    yield;
  }
  return new Blob([`[${servers.join(",")}]`]);
}

export class AdminApi {
  readonly #control: AdminControl;
  readonly #log: Logger;
  readonly #routes: readonly Route[];
  readonly #metricsResponse: SharedResponse<Blob>;
  readonly #serversResponse: SharedResponse<Blob>;

  constructor(control: AdminControl, log: Logger) {
    this.#control = control;
    this.#log = log;
    this.#metricsResponse = new SharedResponse(() => metricsBlob(control), control.nowMs);
    this.#serversResponse = new SharedResponse(() => serversBlob(control), control.nowMs);
    const read = (get: Route["methods"][string]) => ({ GET: get, HEAD: get });
    this.#routes = [
      { path: exactly(ReservedPath.HEALTH_LIVE), public: true, open: true, methods: read(() => this.#live()) },
      { path: exactly(ReservedPath.HEALTH_READY), public: true, open: true, methods: read(() => this.#ready()) },
      {
        path: exactly(ReservedPath.METRICS),
        public: true,
        open: true,
        methods: read((request) => this.#metrics(request)),
      },
      {
        path: exactly(ReservedPath.SERVERS),
        public: true,
        open: false,
        methods: read(async ({ signal }) => jsonBlob(await this.#serversResponse.get(signal))),
      },
      {
        path: /^\/api\/v1\/servers\/(\d{1,10})$/,
        public: false,
        open: false,
        methods: {
          ...read((_request, match) => this.#server(Number(match[1]))),
          PATCH: (request, match) => this.#change(request, Number(match[1])),
        },
      },
      { path: /^\/api\/v1\/status$/, public: false, open: false, methods: read(() => json(control.status())) },
      {
        path: /^\/api\/v1\/ml$/,
        public: false,
        open: false,
        methods: read(async () => json(await control.learning.overview())),
      },
      {
        path: /^\/api\/v1\/ml\/models$/,
        public: false,
        open: false,
        methods: read(async (request) => json(await control.learning.models(limitIn(request)))),
      },
      {
        path: /^\/api\/v1\/ml\/verdicts$/,
        public: false,
        open: false,
        methods: read(async (request) =>
          json(await control.learning.verdicts(limitIn(request), numberIn(request, "model"))),
        ),
      },
      {
        path: ORDER_PATH,
        public: false,
        open: false,
        methods: { POST: (request, match) => this.#order(request, match[1] as LearnerOrder) },
      },
      {
        path: /^\/api\/v1\/explain\/([^/]{1,512})$/,
        public: false,
        open: false,
        methods: read(async (_request, match) => json(await control.learning.explain(decodeId(match[1])))),
      },
    ];
  }

  /** Answers one request; never rejects. */
  async handle(request: Request, door: Door): Promise<Response> {
    try {
      return await this.#answer(request, door);
    } catch (error) {
      if (error instanceof ApiError) return error.toResponse();
      if (error instanceof BusyError) return new ApiError(503, "busy", error.message, RETRY_SOON).toResponse();
      if (request.signal.aborted) return new Response(null); // nobody is there to read it
      this.#log.error({ err: error, method: request.method, url: request.url }, "the admin API failed to answer");
      return new ApiError(500, "internal", "this is a bug; the log has the details").toResponse();
    }
  }

  #answer(request: Request, door: Door): Response | Promise<Response> {
    const { path } = targetOf(request);
    if (door.kind === "admin") requireOwnName(request, door);
    for (const route of this.#routes) {
      const match = route.path.exec(path);
      if (match === null || (door.kind === "relay" && !route.public)) continue;
      if (door.kind === "admin" && !route.open) requireToken(request, door.token);
      const handler = Object.hasOwn(route.methods, request.method) ? route.methods[request.method] : undefined;
      if (handler !== undefined) return handler(request, match);
      const allow = Object.keys(route.methods).join(", ");
      throw new ApiError(405, "method_not_allowed", `${path} knows ${allow}`, { allow });
    }
    throw new ApiError(404, "not_found", "there is nothing at this path");
  }

  #live(): Response {
    return json({ status: "ok", ts: new Date(this.#control.wallMs()).toISOString() });
  }

  #ready(): Response {
    const readiness = this.#control.readiness();
    return json(readiness, readinessCode(readiness));
  }

  async #metrics({ signal }: Request): Promise<Response> {
    if (!this.#control.prometheusEnabled()) {
      throw new ApiError(404, "disabled", "metrics are switched off (PROMETHEUS_ENABLED=false)");
    }
    const body = await this.#metricsResponse.get(signal);
    return new Response(body, {
      headers: { "content-type": PROMETHEUS_TEXT.contentType, "cache-control": "no-store" },
    });
  }

  #server(id: number): Response {
    const server = this.#control.fleet.server(id);
    if (server === undefined) throw unknownServer(id);
    return json(server);
  }

  async #order(request: Request, order: LearnerOrder): Promise<Response> {
    requireSameSite(request);
    const version = await readOrder(request, order);
    const message = await this.#control.learning.order(order, version);
    this.#log.info({ order, model_version: version }, `ordered by an operator: ${message}`);
    return json({ message });
  }

  async #change(request: Request, id: number): Promise<Response> {
    requireSameSite(request);
    const change = await readChange(request);
    applyChange(this.#control.fleet, id, change);
    this.#log.info({ server_id: id, ...change }, "server changed by an operator");
    return this.#server(id);
  }
}
