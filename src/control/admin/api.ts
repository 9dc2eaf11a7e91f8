/**
 * The HTTP API of the control plane. Two doors lead here: the admin port, and the socket over which workers pass on the
 * reserved paths of the public port. The public door only reads, and only what the contract shows to everyone.
 */
import type { Logger } from "../../telemetry/log/logger.ts";
import { authorize, type GuardOptions, requireOwnName, requireSameSite } from "./access/guard.ts";
import { type Caller, PASSER_BY } from "./call.ts";
import { readBody, readParts, readQuery } from "./input.ts";
import { ApiError } from "./responses.ts";
import { type AdminRoute, type AnyOperation, allowedMethods, operationOf, patternOf } from "./routes/route.ts";
import { type AdminControl, adminRoutes } from "./routes/routes.ts";
import { BusyError } from "./shared-response.ts";
import { targetOf } from "./target.ts";

/** Where a request came in. `client` is the address of whoever asks. */
export type Door = { readonly kind: "relay" } | ({ readonly kind: "admin"; readonly client: string } & GuardOptions);

const RETRY_SOON = { "retry-after": "1" } as const;
const READING: ReadonlySet<string> = new Set(["GET", "HEAD"]);

export class AdminApi {
  readonly #log: Logger;
  readonly #routes: readonly (readonly [pattern: RegExp, route: AdminRoute])[];

  constructor(control: AdminControl, log: Logger) {
    this.#log = log;
    this.#routes = adminRoutes(control, log).map((route) => [patternOf(route), route]);
  }

  /** Answers one request; never rejects. */
  async handle(request: Request, door: Door): Promise<Response> {
    try {
      return await this.#dispatch(request, door);
    } catch (error) {
      if (error instanceof ApiError) return error.toResponse();
      if (error instanceof BusyError) return new ApiError(503, "busy", error.message, RETRY_SOON).toResponse();
      if (request.signal.aborted) return new Response(null); // nobody is there to read it
      this.#log.error({ err: error, method: request.method, url: request.url }, "the admin API failed to answer");
      return new ApiError(500, "internal", "this is a bug; the log has the details").toResponse();
    }
  }

  /** Whatever is asked, first who asks is known: there is no other way to a handler. */
  async #dispatch(request: Request, door: Door): Promise<Response> {
    const { path } = targetOf(request);
    if (door.kind === "admin") requireOwnName(request, door);
    for (const [pattern, route] of this.#routes) {
      const match = pattern.exec(path);
      if (match === null || (door.kind === "relay" && route.audience !== "everyone")) continue;
      const operation = operationOf(route, request.method);
      const caller = this.#callerOf(request, door, operation);
      if (operation === undefined) {
        const allow = allowedMethods(route).join(", ");
        throw new ApiError(405, "method_not_allowed", `${path} knows ${allow}`, { allow });
      }
      if (!READING.has(request.method)) requireSameSite(request);
      const parts = readParts(match.slice(1));
      const query = readQuery(request, operation.query);
      const body = await readBody(request, operation.body);
      return operation.handle({ request, parts, query, body, caller });
    }
    if (door.kind === "admin") authorize(request, door, "read");
    throw new ApiError(404, "not_found", "there is nothing at this path");
  }

  /** Throws 401 or 403. What is not there is asked for as if it were read. */
  #callerOf(request: Request, door: Door, operation: AnyOperation | undefined): Caller {
    return door.kind === "relay" ? PASSER_BY : authorize(request, door, operation?.scope ?? "read");
  }
}
