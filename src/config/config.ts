/** What a configuration comes to: the instance's settings, its pools and its routes. */

import type { RateLimitSpec } from "../protocol/rate-limit.ts";
import type { ErrorPage, ForwardAction, RedirectAction, RespondAction, RouteSpec } from "../protocol/route.ts";
import type { ListenerSpec } from "../protocol/worker.ts";
import type { Sections } from "./schema.ts";

/** The configuration: frozen. What stands in its sections is the whole instance's. */
export interface Config extends Sections {
  /** Where clients are listened for: those of the file, else those that `app` and `tls` make. Never empty. */
  readonly listeners: readonly ListenerSpec[];
  /** Never empty. */
  readonly pools: readonly PoolConfig[];
  /** In the order of the file; never empty. */
  readonly routes: readonly RouteConfig[];
  /** In the order in which requests are asked about them. */
  readonly rateLimits: readonly RateLimitSpec[];
  /** Routes that took something over have the same objects. */
  readonly routeDefaults: RouteDefaults;
}

/** One pool: its servers, and in every section what holds for them. What it does not set for itself is the instance's. */
export interface PoolConfig extends Sections {
  readonly name: string;
}

/** A route as it is configured, before it has a number and the files that it names are read. */
export interface RouteConfig extends Omit<RouteSpec, "number" | "action" | "errorPages"> {
  readonly action: ForwardAction | RedirectAction | RespondConfig;
  readonly errorPages: readonly ErrorPageFile[];
}

/** What routes have that do not say it themselves. */
export type RouteDefaults = Pick<RouteConfig, "requestHeaders" | "responseHeaders" | "compression" | "errorPages">;

/** A fixed response; its body is a text, or that of a file. */
export interface RespondConfig extends RespondAction {
  readonly bodyFile: string | null;
}

/** A template and what it is for. */
export interface ErrorPageFile extends Omit<ErrorPage, "template"> {
  readonly file: string;
}
