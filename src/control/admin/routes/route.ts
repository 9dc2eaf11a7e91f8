/** What a route of the admin API is. Groups of them are in files beside this one; routes.ts names the groups. */
import type { ControlLog } from "../../log.ts";

/**
 * Answers a request.
 * @param parts what stands in the path for `<…>`, in order, as it was sent.
 * @param client address of whoever asks at the admin port; empty = it came through a worker.
 */
export type Handler = (request: Request, parts: readonly string[], client: string) => Response | Promise<Response>;

/** The methods that routes know. */
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One method of a path. */
export interface Operation {
  /** Its line in docs/http-api.md. */
  readonly doc: string;
  readonly handle: Handler;
}

/** A path, and what may be asked of it. */
export interface AdminRoute {
  /** `/api/v1/servers/<id>`. */
  readonly path: string;
  /** What may stand for each `<…>`, in order: regular expressions without groups, for the path as it is sent. */
  readonly parts?: readonly string[];
  /** Who may ask: `everyone` through the workers as well, as far as they pass it on; the `operator` at the admin port alone. */
  readonly audience: "everyone" | "operator";
  /** Never asks for the token: what watches the instance rarely has one. */
  readonly open: boolean;
  /** HEAD is answered where GET is. */
  readonly methods: Readonly<Partial<Record<Method, Operation>>>;
}

/** Makes the routes of one subject. `control` is not looked at before a request comes. */
export type RouteGroup<Control> = (control: Control, log: ControlLog) => readonly AdminRoute[];

/** Matches the paths of a route; a group for each `<…>`. */
export function patternOf({ path, parts = [] }: Pick<AdminRoute, "path" | "parts">): RegExp {
  let at = 0;
  return new RegExp(`^${path.replace(/<[^>]+>/g, () => `(${parts[at++]})`)}$`);
}

/** The methods that a client may use, as `Allow` lists them. */
export function allowedMethods({ methods }: AdminRoute): string[] {
  return Object.keys(methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
}

/** What answers `method`, if anything does. */
export function operationOf({ methods }: AdminRoute, method: string): Operation | undefined {
  const name = method === "HEAD" ? "GET" : method;
  return Object.hasOwn(methods, name) ? methods[name as Method] : undefined;
}
