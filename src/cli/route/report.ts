/** What `neurabalancer route` finds out: which route and pool a request gets, what holds for it, and why. */
import type { EffectiveSetting } from "../../config/effective.ts";
import { filePath } from "../../config/file-keys.ts";
import { HIDDEN } from "../../config/read-settings.ts";
import { routePath } from "../../config/routes/path.ts";
import { ALL_SETTINGS } from "../../config/schema.ts";
import type {
  ForwardAction,
  HeaderEdits,
  HeaderField,
  PathMatch,
  RedirectAction,
  RouteAction,
  RouteRewrite,
  RouteSpec,
} from "../../protocol/route.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import { isLocal, routeOf } from "../../proxy/downstream/routes.ts";
import { type ConsideredRoute, explainRoute, type RouteExplanation, type Verdict } from "../../proxy/route/explain.ts";
import { AMBIGUOUS } from "../../proxy/route/route-table.ts";
import { ROUTES, Route } from "../../shared/memory/series-table.ts";
import { ReservedPath } from "../../shared/reserved-paths.ts";
import type { AskedRequest } from "./request.ts";

/** `balancer`: it answers itself; `none`: 404; `ambiguous`: 400. */
export type Outcome = "route" | "balancer" | "none" | "ambiguous";

/** A value that holds for requests, and where it comes from. */
export interface HeldValue {
  /** As the file calls it: `timeouts.connect`. */
  readonly name: string;
  readonly value: string | null;
  readonly written?: string;
  readonly origin: string;
}

/** A pool that the request may go to. */
export interface ReportedPool {
  readonly name: string;
  /** Percent of the route's requests. */
  readonly share: number;
  readonly settings: readonly HeldValue[];
}

/** A route that was looked at. */
export interface ReportedCandidate {
  readonly route: string;
  readonly verdict: Verdict;
  readonly host: string | null;
  readonly path: PathMatch | null;
  readonly field: string | null;
}

/** What a route does, by the names that files have for it. */
export type ReportedAction =
  | { readonly kind: "forward"; readonly targets: ForwardAction["targets"]; readonly split_by: string | null }
  | { readonly kind: "respond"; readonly status: number; readonly content_type: string }
  | RedirectAction;

/** As `--json` prints it. */
export interface RouteReport {
  readonly request: { readonly method: string; readonly host: string; readonly target: string; readonly tls: boolean };
  readonly outcome: Outcome;
  /** Name of the route, or the reserved path that the balancer answers itself. */
  readonly route: string | null;
  /** What routes are found by; empty = the path has no part in it. */
  readonly normal_path: string;
  readonly action: ReportedAction | null;
  readonly pools: readonly ReportedPool[];
  readonly https_redirect: boolean;
  readonly rewrite: RouteRewrite | null;
  /** Their values may be secret. */
  readonly request_headers: HeaderEdits | null;
  readonly response_headers: HeaderEdits | null;
  /** What the configuration says of the route, word for word. */
  readonly said: readonly HeldValue[];
  readonly considered: readonly ReportedCandidate[];
  readonly readings: readonly {
    readonly path: string;
    readonly because: readonly string[];
    readonly route: string | null;
  }[];
  readonly refusal: string | null;
}

const REQUEST_PREFIX_BYTES = ReservedPath.API_REQUEST.length;

/** Looks the request up as a worker would. */
export function reportRoute(
  request: AskedRequest,
  settings: ProxySettings,
  effective: readonly EffectiveSetting[],
): RouteReport {
  const { buf, head, method, host, target, secure } = request;
  const own = routeOf(buf, head, settings);
  const asked = { method, host, target, tls: secure };
  if (isLocal(own)) return { ...NOTHING, request: asked, outcome: "balancer", route: ROUTES[own] };
  const start = own === Route.API_REQUEST ? head.pathStart + REQUEST_PREFIX_BYTES : head.pathStart;
  const explanation = explainRoute(settings.routes, buf, head, start, head.targetEnd);
  const report = { ...NOTHING, request: asked, ...inNames(explanation, settings.routes) };
  if (explanation.route < 0) {
    return { ...report, outcome: explanation.route === AMBIGUOUS ? "ambiguous" : "none" };
  }
  const route = settings.routes[explanation.route];
  return {
    ...report,
    outcome: "route",
    route: route.name,
    action: reportedAction(route.action),
    pools: poolsOf(route, effective),
    https_redirect: route.httpsRedirect && !secure,
    rewrite: route.rewrite,
    request_headers: withoutValues(route.requestHeaders),
    response_headers: route.responseHeaders,
    said: saidOf(route, effective),
  };
}

const NOTHING: Omit<RouteReport, "request" | "outcome"> = {
  route: null,
  normal_path: "",
  action: null,
  pools: [],
  https_redirect: false,
  rewrite: null,
  request_headers: null,
  response_headers: null,
  said: [],
  considered: [],
  readings: [],
  refusal: null,
};

function reportedAction(action: RouteAction): ReportedAction {
  switch (action.kind) {
    case "forward":
      return { kind: action.kind, targets: action.targets, split_by: action.splitBy };
    case "respond":
      return { kind: action.kind, status: action.status, content_type: action.contentType };
    default:
      return action;
  }
}

function withoutValues(edits: HeaderEdits | null): HeaderEdits | null {
  if (edits === null) return null;
  const hidden = ({ name }: HeaderField): HeaderField => ({ name, value: HIDDEN });
  return { remove: edits.remove, set: edits.set.map(hidden), add: edits.add.map(hidden) };
}

function inNames(
  { path, considered, readings, refusal }: RouteExplanation,
  routes: readonly RouteSpec[],
): Pick<RouteReport, "normal_path" | "considered" | "readings" | "refusal"> {
  return {
    normal_path: path,
    considered: considered.map((one: ConsideredRoute) => ({ ...one, route: routes[one.route].name })),
    readings: readings.map((reading) => ({ ...reading, route: routes[reading.route]?.name ?? null })),
    refusal,
  };
}

function poolsOf(route: RouteSpec, effective: readonly EffectiveSetting[]): ReportedPool[] {
  if (route.action.kind !== "forward") return [];
  const { targets } = route.action;
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  return targets.map(({ pool, weight }) => ({
    name: pool,
    share: (weight / sum) * 100,
    settings: heldValues(route.name, pool, effective),
  }));
}

/** The route's own value, else the pool's, else the instance's. */
function heldValues(route: string, pool: string, effective: readonly EffectiveSetting[]): HeldValue[] {
  const ofRoute = new Map(effective.flatMap((one) => (one.section === "routes" ? [[one.env, one] as const] : [])));
  return ALL_SETTINGS.filter(({ setting }) => setting.givenTo?.request !== undefined).flatMap(({ setting }) => {
    const name = filePath(setting.env) ?? setting.env;
    const found =
      ofRoute.get(`${routePath(route)}.${name}`) ??
      effective.find((one) => one.section === "pools" && one.pool === pool && one.env.endsWith(`.${name}`)) ??
      effective.find(({ env }) => env === setting.env);
    if (found === undefined) return [];
    return [{ name, ...shownValue(found) }];
  });
}

/** What the file says of the route, and at the end what it takes over of `route_defaults`. */
function saidOf(route: RouteSpec, effective: readonly EffectiveSetting[]): HeldValue[] {
  const prefix = `${routePath(route.name)}.`;
  const own = effective
    .filter(({ section, env }) => section === "routes" && env.startsWith(prefix))
    .map((one) => ({ name: one.env.slice(prefix.length), ...shownValue(one) }));
  const takenOver = effective.filter(({ section, env }) => {
    const key = env.split(".")[1]?.replace(/\[.*/, "");
    // Its own may be nothing: then there is no value of that name.
    return section === "route_defaults" && hasSome(route, key) && !own.some(({ name }) => isOf(name, key));
  });
  return [...own, ...takenOver.map((one) => ({ name: one.env, ...shownValue(one) }))];
}

function hasSome(route: RouteSpec, key: string): boolean {
  if (key === "error_pages") return route.errorPages.length > 0;
  if (key === "compression") return route.compression !== null;
  return (key === "request_headers" ? route.requestHeaders : route.responseHeaders) !== null;
}

function isOf(name: string, key: string): boolean {
  return name === key || name.startsWith(`${key}.`) || name.startsWith(`${key}[`);
}

function shownValue({ value, written, origin }: EffectiveSetting): Omit<HeldValue, "name"> {
  return written === undefined ? { value, origin } : { value, written, origin };
}
