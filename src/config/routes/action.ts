/** What a route does with requests, from what the file says. */
import type { ForwardAction, PathRewrite, RedirectAction } from "../../protocol/route.ts";
import type { RespondConfig, RouteConfig } from "../config.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Leaf } from "../shapes/shape.ts";
import type { RouteBlock } from "./shape.ts";

type RouteFields = RouteBlock["fields"];

/** The keys that are actions. */
const ACTIONS = ["pool", "split", "redirect", "respond"] as const;
const DEFAULT_CONTENT_TYPE = "text/plain; charset=utf-8";

/** `null` after a problem was told. */
export function readAction(route: RouteBlock, findings: ShapeFindings): RouteConfig["action"] | null {
  const { fields } = route;
  const said = ACTIONS.filter((name) => route.said.has(name));
  if (said.length === 0) {
    findings.problem(route, "does not say what to do: give it a pool (pool: NAME), or split, redirect or respond");
    return null;
  }
  if (said.length > 1) {
    findings.problem(route, `has ${said.join(" and ")}, and a route does one thing: make two routes of it`);
    return null;
  }
  if (fields.split_by !== undefined && fields.split === undefined) {
    findings.problem(fields.split_by, "has no effect without split: remove it");
  }
  if (fields.redirect !== undefined) return readRedirect(route, fields.redirect, findings);
  if (fields.respond !== undefined) return readRespond(fields.respond, findings);
  return readForward(fields, findings);
}

function readForward({ pool, split, split_by: splitBy }: RouteFields, findings: ShapeFindings): ForwardAction | null {
  if (pool !== undefined) return { kind: "forward", targets: [{ pool: pool.value, weight: 1 }], splitBy: null };
  if (split === undefined) return null;
  const targets: { pool: string; weight: number }[] = [];
  for (const share of split.entries) {
    const { pool: to, weight } = share.fields;
    if (to === undefined) {
      if (!share.said.has("pool")) findings.problem(share, "names no pool");
    } else if (targets.some((target) => target.pool === to.value)) {
      findings.problem(to, `names ${to.value} a second time: give it one weight`);
    } else targets.push({ pool: to.value, weight: weight?.value ?? 1 });
  }
  if (targets.length > 0 && targets.every(({ weight }) => weight === 0)) {
    findings.problem(split, "gives every pool the weight 0: one of them has to get something");
  }
  if (split.written === 0) findings.problem(split, "names no pools");
  return { kind: "forward", targets, splitBy: splitBy?.value ?? null };
}

type Redirect = NonNullable<RouteFields["redirect"]>;

function readRedirect(route: RouteBlock, redirect: Redirect, findings: ShapeFindings): RedirectAction {
  const { scheme, host, port, path, prefix, status } = redirect.fields;
  if (!["scheme", "host", "port", "path", "prefix"].some((name) => redirect.said.has(name))) {
    findings.problem(redirect, "sends clients to where they are: give it a scheme, host, port, path or prefix");
  }
  return {
    kind: "redirect",
    status: status?.value ?? 302,
    scheme: scheme?.value ?? null,
    host: host?.value ?? null,
    port: port?.value ?? null,
    path: readPathRewrite(route, path, prefix, findings),
  };
}

/** @param path whole. @param prefix instead of the part that the route's path fits. */
export function readPathRewrite(
  route: RouteBlock,
  path: Leaf<string> | undefined,
  prefix: Leaf<string> | undefined,
  findings: ShapeFindings,
): PathRewrite | null {
  for (const leaf of [path, prefix]) {
    if (leaf?.value.includes("?")) findings.problem(leaf, "must be a path alone: the client's query stays");
  }
  if (path !== undefined && prefix !== undefined) {
    findings.problem(prefix, "stands beside path, and only one of them can be: remove one");
  }
  if (prefix !== undefined && (route.fields.exact_path?.entries ?? []).length > 0) {
    findings.problem(prefix, "is for routes by path, where exact_path fits whole paths: use path");
  }
  if (path !== undefined) return { kind: "full", value: path.value };
  return prefix === undefined ? null : { kind: "prefix", value: prefix.value };
}

type Respond = NonNullable<RouteFields["respond"]>;

function readRespond(respond: Respond, findings: ShapeFindings): RespondConfig {
  const { status, body, body_file: bodyFile, content_type: contentType } = respond.fields;
  if (body !== undefined && bodyFile !== undefined) {
    findings.problem(bodyFile, "stands beside body, and only one of them can be: remove one");
  }
  const answer = status?.value ?? 200;
  if ((answer === 204 || answer === 205 || answer === 304) && (body ?? bodyFile) !== undefined) {
    findings.problem(body ?? bodyFile!, `cannot be: an answer of ${answer} has no body`);
  }
  return {
    kind: "respond",
    status: answer,
    contentType: contentType?.value ?? DEFAULT_CONTENT_TYPE,
    body: body?.value ?? "",
    bodyFile: bodyFile?.value ?? null,
  };
}
