/**
 * A route as the HTTP API shows it, in the words of the configuration file. Values of header fields and
 * queries are left out: they may be secrets.
 */
import { withoutQuery } from "../../config/read-settings.ts";
import type { PathRewrite, RouteAction, RouteSpec } from "../../protocol/route.ts";
import type { ShownAction, ShownRoute } from "./answers/pools.ts";

/** What is not configured is not there. */
export function describeRoute({
  name,
  match,
  action,
  httpsRedirect,
  mirror,
  forwardAuth,
  ...rest
}: RouteSpec): ShownRoute {
  const { hosts, paths, methods, headers } = match;
  return {
    name,
    hosts,
    paths: paths.map(({ kind, value }) => (kind === "exact" ? { exact: value } : { prefix: value })),
    methods: methods,
    headers: headers.map((header) => header.name),
    action: describeAction(action),
    ...(rest.rewrite && { rewrite: { ...describePath(rest.rewrite.path), ...present({ host: rest.rewrite.host }) } }),
    ...(httpsRedirect && { https_redirect: true as const }),
    ...(mirror && { mirror: { pool: mirror.pool, percent: mirror.percent } }),
    ...(forwardAuth && { forward_auth: { pool: forwardAuth.pool, path: withoutQuery(forwardAuth.path) } }),
    ambiguous_paths: rest.ambiguousPaths,
  };
}

function describeAction(action: RouteAction): ShownAction {
  if (action.kind === "forward") {
    const { targets, splitBy } = action;
    if (targets.length === 1) return { pool: targets[0].pool };
    return { split: targets.map(({ pool, weight }) => ({ pool, weight })), ...present({ split_by: splitBy }) };
  }
  if (action.kind === "respond") {
    const { status, contentType, body } = action;
    return { respond: { status, content_type: contentType, body_bytes: Buffer.byteLength(body) } };
  }
  const { status, scheme, host, port, path } = action;
  return {
    redirect: {
      status,
      ...present({ scheme, host, port }),
      ...describePath(path),
    },
  };
}

function describePath(path: PathRewrite | null): { readonly path?: string; readonly prefix?: string } {
  if (path === null) return {};
  const value = withoutQuery(path.value);
  return path.kind === "full" ? { path: value } : { prefix: value };
}

/** Without what is `null`. */
function present<T extends Readonly<Record<string, string | number | null>>>(
  values: T,
): { readonly [K in keyof T]?: Exclude<T[K], null> } {
  const known = Object.entries(values).filter(([, value]) => value !== null);
  return Object.fromEntries(known) as { [K in keyof T]?: Exclude<T[K], null> };
}
