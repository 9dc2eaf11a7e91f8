/** What a route of the admin API is. Groups of them are in files beside this one; routes.ts names the groups. */
import type { z } from "zod";
import type { ControlLog } from "../../log.ts";
import type { Call, Scope } from "../call.ts";

/** The methods that routes know. */
export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
/** One of them. */
export type Method = (typeof METHODS)[number];

/** One method of a path. What it takes and gives is checked by the schemas, and described by them in the OpenAPI document. */
export interface Operation<Query = unknown, Body = unknown> {
  /** Its line in docs/http-api.md. */
  readonly doc: string;
  /** Who may ask. Changes are an `admin`'s. */
  readonly scope: Scope;
  /** Reads the parameters of the query, each a string; none is known without it. */
  readonly query?: z.ZodType<Query>;
  /** Reads the body, which is JSON; without it no body is looked at. */
  readonly body?: z.ZodType<Body>;
  /** The body of a response that is no refusal. Left out = not JSON, or described by `doc` alone. */
  readonly response?: z.ZodType;
  /** What the body is; JSON unless said. */
  readonly media?: string;
  /** Another media type that a parameter asks for instead. */
  readonly otherMedia?: string;
  /** Bodies of other statuses that are no problem details. */
  readonly others?: Readonly<Record<number, z.ZodType>>;
  readonly handle: (call: Call<Query, Body>) => Response | Promise<Response>;
}

/** Of whatever takes and gives what. */
// biome-ignore lint/suspicious/noExplicitAny: what a schema has read is what its own handler is given (see `operation`)
export type AnyOperation = Operation<any, any>;

/** An operation whose handler is given what its schemas read. */
export function operation<Query = undefined, Body = undefined>(given: Operation<Query, Body>): AnyOperation {
  return given;
}

/** A path, and what may be asked of it. */
export interface AdminRoute {
  /** `/api/v1/servers/<id>`. */
  readonly path: string;
  /** What may stand for each `<…>`, in order: regular expressions without groups, for the path as it is sent. */
  readonly parts?: readonly string[];
  /** Who may ask: `everyone` through the workers as well, as far as they pass it on; the `operator` at the admin port alone. */
  readonly audience: "everyone" | "operator";
  /** HEAD is answered where GET is. */
  readonly methods: Readonly<Partial<Record<Method, AnyOperation>>>;
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

/** The route as the public port has it: nothing is changed from there, whoever asks. */
export function readOnly({ methods: { GET }, ...route }: AdminRoute): AdminRoute {
  return { ...route, methods: GET === undefined ? {} : { GET } };
}

/** What answers `method`, if anything does. */
export function operationOf({ methods }: AdminRoute, method: string): AnyOperation | undefined {
  const name = method === "HEAD" ? "GET" : method;
  return Object.hasOwn(methods, name) ? methods[name as Method] : undefined;
}
