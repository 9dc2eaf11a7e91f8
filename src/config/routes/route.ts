/** From what the file says of a route to the route. */

import type { RequestSettings } from "../../protocol/pool.ts";
import type { CompressionSettings, ForwardAuth, Mirror } from "../../protocol/route.ts";
import { FIXED_REQUEST_FIELDS, plainFieldName } from "../../shared/fixed-fields.ts";
import type { ErrorPageFile, RouteConfig, RouteDefaults } from "../config.ts";
import { readAccessLists } from "../listeners/access-lists.ts";
import { readSettings } from "../read-settings.ts";
import { ALL_SETTINGS, type Sections } from "../schema.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Variable } from "../sources/variable.ts";
import { readAction, readPathRewrite } from "./action.ts";
import { readEdits } from "./edits.ts";
import { warnOfHabits } from "./habits.ts";
import { readMatch } from "./match.ts";
import type { RouteBlock, RouteDefaultsBlock } from "./shape.ts";

type RouteFields = RouteBlock["fields"];

/** What is compressed unless a route says something else: text in all its forms, nothing that is compressed already. */
const COMPRESSED_TYPES = [
  "text/*",
  "application/javascript",
  "application/json",
  "application/manifest+json",
  "application/wasm",
  "application/xhtml+xml",
  "application/xml",
  "image/svg+xml",
];

const OWN: readonly (string | undefined)[] = ["maxBodyBytes", "requestBodyTimeoutMs", "responseBodyTimeoutMs"];
/** Settings of requests that mean nothing where no server is asked. */
const OF_SERVERS: ReadonlySet<string> = new Set(
  ALL_SETTINGS.filter(
    ({ setting: { givenTo } }) => givenTo?.request !== undefined && !OWN.includes(givenTo.request),
  ).map(({ setting }) => setting.env),
);

/** A route that has no name yet, if nobody gave it one; `null` after its problems were told. */
export function readRoute(
  route: RouteBlock,
  sections: Pick<Sections, "app" | "tls">,
  defaults: RouteDefaults,
  findings: ShapeFindings,
): (Omit<RouteConfig, "name"> & { readonly name: string | null }) | null {
  const { fields } = route;
  const { tls } = sections;
  const action = readAction(route, findings);
  warnOfHabits(route, sections, findings);
  const { rewrite } = fields;
  const own = readDefaults(fields, findings);
  const parts = {
    name: fields.name?.value ?? null,
    match: readMatch(route, findings),
    clients: fields.clients === undefined ? null : readAccessLists(fields.clients, findings),
    settings: readOwnSettings(route.variables, findings),
    ambiguousPaths: fields.ambiguous_paths?.value ?? "refuse",
    rewrite:
      rewrite === undefined
        ? null
        : {
            path: readPathRewrite(route, rewrite.fields.path, rewrite.fields.prefix, findings),
            host: rewrite.fields.host?.value ?? null,
          },
    requestHeaders: route.said.has("request_headers") ? own.requestHeaders : defaults.requestHeaders,
    responseHeaders: route.said.has("response_headers") ? own.responseHeaders : defaults.responseHeaders,
    httpsRedirect: fields.https_redirect?.value ?? tls.redirect,
    hstsMs: fields.hsts?.value ?? tls.hstsMs,
    mirror: readMirror(fields.mirror, findings),
    forwardAuth: readForwardAuth(fields.forward_auth, findings),
    compression: route.said.has("compression") ? own.compression : defaults.compression,
    errorPages: route.said.has("error_pages") ? own.errorPages : defaults.errorPages,
  };
  if (action === null) return null;
  if (action.kind !== "forward") {
    const { mirror, forward_auth: forwardAuth, request_headers: requestHeaders, compression } = fields;
    for (const spot of [
      rewrite,
      requestHeaders,
      mirror,
      forwardAuth,
      action.kind === "redirect" ? compression : undefined,
    ]) {
      if (spot !== undefined)
        findings.problem(spot, `is for requests that go to a pool, and this route has ${action.kind}`);
    }
    for (const { name, key = name, origin } of route.variables) {
      if (!OF_SERVERS.has(name)) continue;
      findings.warning({ path: key, place: origin }, `has no effect: a route with ${action.kind} asks no server`);
    }
  }
  return { ...parts, action };
}

/** What stands there of what `route_defaults` may have. */
export function readDefaults(fields: RouteDefaultsBlock["fields"], findings: ShapeFindings): RouteDefaults {
  return {
    requestHeaders: readEdits(fields.request_headers, "request", findings),
    responseHeaders: readEdits(fields.response_headers, "response", findings),
    compression: readCompression(fields.compression),
    errorPages: readErrorPages(fields.error_pages, findings),
  };
}

/** What it sets for itself of the settings of requests. */
function readOwnSettings(variables: readonly Variable[], findings: ShapeFindings): Partial<RequestSettings> {
  const byName = new Map(variables.map((variable) => [variable.name, variable]));
  const placed = ALL_SETTINGS.filter(({ setting }) => byName.has(setting.env));
  const { draft, problems } = readSettings(placed, { variables: byName, sources: [], complete: true });
  findings.problems.push(...problems);
  const own = placed.flatMap(({ section, key, setting }) => {
    const name = setting.givenTo?.request;
    return name === undefined || !(key in draft[section]) ? [] : [[name, draft[section][key]]];
  });
  return Object.fromEntries(own) as Partial<RequestSettings>;
}

function readMirror(mirror: RouteFields["mirror"], findings: ShapeFindings): Mirror | null {
  if (mirror === undefined) return null;
  const { pool, percent } = mirror.fields;
  if (!mirror.said.has("pool")) findings.problem(mirror, "names no pool");
  return pool === undefined ? null : { pool: pool.value, percent: percent?.value ?? 100 };
}

function readForwardAuth(auth: RouteFields["forward_auth"], findings: ShapeFindings): ForwardAuth | null {
  if (auth === undefined) return null;
  const { pool, path, request_headers: asks, response_headers: gives, timeout } = auth.fields;
  if (!auth.said.has("pool")) findings.problem(auth, "names no pool");
  for (const { value, ...spot } of gives?.entries ?? []) {
    if (FIXED_REQUEST_FIELDS.has(plainFieldName(value))) {
      findings.problem(spot, `takes ${value} from the answer: what servers get there, the balancer says itself`);
    }
  }
  if (pool === undefined) return null;
  return {
    pool: pool.value,
    path: path?.value ?? "/",
    requestHeaders: (asks?.entries ?? []).map(({ value }) => value),
    responseHeaders: (gives?.entries ?? []).map(({ value }) => value),
    timeoutMs: timeout?.value ?? 5000,
  };
}

function readCompression(compression: RouteFields["compression"]): CompressionSettings | null {
  if (compression === undefined) return null;
  const { encodings, min_size: minBytes, types } = compression.fields;
  return {
    encodings: [...new Set(encodings?.entries.map(({ value }) => value) ?? (["br", "zstd", "gzip"] as const))],
    minBytes: minBytes?.value ?? 1024,
    types: types?.entries.map(({ value }) => value) ?? COMPRESSED_TYPES,
  };
}

function readErrorPages(pages: RouteFields["error_pages"], findings: ShapeFindings): ErrorPageFile[] {
  return (pages?.entries ?? []).flatMap((page) => {
    const { statuses, file, content_type: contentType } = page.fields;
    if (!page.said.has("file")) findings.problem(page, "names no file");
    if (!page.said.has("statuses"))
      findings.problem(page, "says not for which statuses: give it some, such as [404, 500-599]");
    if (file === undefined || statuses === undefined) return [];
    const type = contentType?.value ?? typeByName(file.value);
    return statuses.entries.map(({ value }) => ({ statuses: value, file: file.value, contentType: type }));
  });
}

function typeByName(file: string): string {
  if (/\.html?$/i.test(file)) return "text/html; charset=utf-8";
  return /\.json$/i.test(file) ? "application/json" : "text/plain; charset=utf-8";
}
