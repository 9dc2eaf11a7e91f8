/**
 * The HTTP API of the control plane. Two doors lead here: the admin port, and the socket over which workers pass on the
 * reserved paths of the public port. The public door only reads, and only what the contract shows to everyone.
 */
import type { Logger } from "../../telemetry/log/logger.ts";
import { requireJson } from "./access/browsers.ts";
import { Guard, type Visitor } from "./access/guard.ts";
import { type Call, type Caller, ITSELF, PASSER_BY, type Scope } from "./call.ts";
import { dropBody, readBody, readParts, readQuery } from "./input.ts";
import { ApiError, RETRY_SOON } from "./responses.ts";
import { type AdminRoute, allowedMethods, operationOf, patternOf, readOnly } from "./routes/route.ts";
import { type AdminControl, adminRoutes } from "./routes/routes.ts";
import { BusyError } from "./shared-response.ts";
import { targetOf } from "./target.ts";

/** Where a request came in, and of the admin port who asks there. */
export type Door = { readonly kind: "relay" } | ({ readonly kind: "admin" } & Visitor);

type AskItself = Call["askItself"];
/** What is needed to hear that there is nothing. */
const ELSEWHERE: Scope = "read";

/** A route that a path is one of. */
interface Found {
  readonly route: AdminRoute;
  /** As they stand in the path. */
  readonly parts: readonly string[];
}

export class AdminApi {
  readonly #log: Logger;
  readonly #guard: Guard;
  readonly #routes: readonly (readonly [pattern: RegExp, route: AdminRoute])[];

  constructor(control: AdminControl, log: Logger, guard = new Guard(() => control.nowMs(), log)) {
    this.#log = log;
    this.#guard = guard;
    this.#routes = adminRoutes(control, log).map((route) => [patternOf(route), route]);
  }

  /** Answers one request; never rejects. */
  async handle(request: Request, door: Door): Promise<Response> {
    let caller: Caller | null = null;
    let response: Response;
    try {
      const { path } = targetOf(request);
      const found = this.#find(path, door);
      // Whatever is asked, first who asks is known: there is no other way to a handler.
      caller = door.kind === "relay" ? PASSER_BY : this.#guard.admit(request, door, scopeOf(found, request));
      response = await answer(request, path, found, caller, this.#askItself);
    } catch (error) {
      response = this.#failed(error, request);
    }
    response.headers.set("x-content-type-options", "nosniff"); // what we say it is, it is: no text is a page
    await dropBody(request);
    if (door.kind === "admin") this.#guard.note(caller?.scope ?? null, response.status);
    return response;
  }

  #find(path: string, door: Door | { readonly kind: "inside" }): Found | undefined {
    for (const [pattern, route] of this.#routes) {
      const match = pattern.exec(path);
      if (match === null || (door.kind === "relay" && route.audience !== "everyone")) continue;
      return { route: door.kind === "relay" ? readOnly(route) : route, parts: match.slice(1) };
    }
    return undefined;
  }

  /** What the instance asks itself, it asks as an admin. Never rejects. */
  readonly #askItself: AskItself = async (path, signal) => {
    const request = new Request(`http://localhost${path}`, { signal });
    const target = targetOf(request).path;
    try {
      return await answer(request, target, this.#find(target, { kind: "inside" }), ITSELF, this.#askItself);
    } catch (error) {
      return this.#failed(error, request);
    }
  };

  #failed(error: unknown, request: Request): Response {
    if (error instanceof ApiError) return error.toResponse();
    if (error instanceof BusyError) return new ApiError(503, "busy", error.message, RETRY_SOON).toResponse();
    if (request.signal.aborted) return new Response(null); // nobody is there to read it
    this.#log.error({ err: error, method: request.method, url: request.url }, "the admin API failed to answer");
    return new ApiError(500, "internal", "this is a bug; the log has the details").toResponse();
  }
}

/** What is not there is asked for as if it were read: nobody is told what there is who may not read it. */
function scopeOf(found: Found | undefined, { method }: Request): Scope {
  return (found && operationOf(found.route, method)?.scope) ?? ELSEWHERE;
}

async function answer(
  request: Request,
  path: string,
  found: Found | undefined,
  caller: Caller,
  askItself: AskItself,
): Promise<Response> {
  if (found === undefined) throw new ApiError(404, "not_found", "there is nothing at this path");
  const operation = operationOf(found.route, request.method);
  if (operation === undefined) {
    const allow = allowedMethods(found.route).join(", ");
    throw new ApiError(405, "method_not_allowed", `${path} knows ${allow}`, { allow });
  }
  requireJson(request);
  const parts = readParts(found.parts);
  const query = readQuery(request, operation.query);
  const body = await readBody(request, operation.body);
  return operation.handle({ request, parts, query, body, caller, askItself });
}
