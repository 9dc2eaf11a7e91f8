/** Pools, routes, listeners and rate limits in the documentation: their keys, and an example of each. */

import { mayHave, type Scope } from "../../../src/config/scopes.ts";
import type { AnyShape, Field } from "../../../src/config/shapes/shape.ts";
import { BLOCKS } from "../../../src/config/sites/blocks.ts";
import { sectionsOf } from "../../../src/config/sources/yaml/mapping.ts";
import { plain, wrapComment } from "../text.ts";
import { describeType, inFileWords } from "./words.ts";

const POOLS = `shop:
  servers:
    - http://10.0.0.5:3000
    - {url: http://10.0.0.6:3000, weight: 2, zone: eu-1a}
    - {url: http://10.0.0.9:3000, backup: on}
  balancing: {strategy: peak_ewma}
  health: {path: /up, statuses: 200-299}
  timeouts: {response_head: 5s}
api:
  servers: [http://10.0.1.5:4000]
auth:
  servers: [http://10.0.2.5:5000]`;

/** Beside the route that has everything. */
const MORE_ROUTES = `- {host: api.example, methods: [GET, HEAD], path: /v1, split: [{pool: api, weight: 9}, {pool: shop, weight: 1}], split_by: client_ip}
- {host: old.example, redirect: {scheme: https, host: shop.example, status: 301}}
- {exact_path: /robots.txt, respond: {body: "User-agent: *", content_type: text/plain}}
- {name: rest, pool: shop}`;

const DEFAULTS = ["compression: {min_size: 2KiB}", "error_pages: [{statuses: 5xx, file: error.html}]"];

/** The end of `neurabalancer.example.yaml`: commented out as a whole, because most instances balance one set of servers. */
export function blocksExample(): string[] {
  const { pools, routes, route_defaults: defaults, listeners, rate_limits: limits } = BLOCKS;
  const commented = (lines: readonly string[]) => lines.map((line) => `#${line}`);
  const indented = (text: string) => text.split("\n").map((line) => `  ${line}`);
  return [
    ...comment(pools.doc),
    ...commented(["pools:", ...indented(POOLS)]),
    "",
    ...comment(routes.doc),
    ...commented(["routes:", ...entry(routes.shape.of), ...indented(MORE_ROUTES)]),
    "",
    ...comment(defaults.doc),
    ...commented(["route_defaults:", ...DEFAULTS.map((line) => `  ${line}`)]),
    "",
    ...comment(listeners.doc),
    ...commented(["listeners:", ...entry(listeners.shape.of)]),
    "",
    ...comment(limits.doc),
    ...commented([
      "rate_limits:",
      "  clients:",
      ...fieldLines(limits.shape.of, "    "),
      "  uploads: {concurrent: 10, key: client_ip}",
    ]),
  ];
}

function comment(doc: string): string[] {
  return wrapComment(inFileWords(plain(doc)));
}

/** One entry of a list, with every field that has a sample. */
function entry(shape: AnyShape): string[] {
  const [first, ...lines] = fieldLines(shape, "    ");
  return [`  - ${first.trimStart()}`, ...lines];
}

function fieldLines(shape: AnyShape, indent: string): string[] {
  if (shape.kind !== "struct") return [];
  return Object.entries<Field>(shape.fields).flatMap(([name, { doc, sample, shape: of }]) => {
    const inner = sample === "" ? fieldLines(of, `${indent}  `) : [];
    if (sample === "" && inner.length === 0) return [];
    const said = wrapComment(inFileWords(plain(doc))).map((line) => indent + line);
    return [...said, `${indent}${name}:${sample === "" ? "" : ` ${sample}`}`, ...inner];
  });
}

/** The part of docs/configuration.md about them. */
export function blocksReference(): string[] {
  const { pools, routes, route_defaults: defaults, listeners, rate_limits: limits } = BLOCKS;
  return [
    "## Pools",
    "",
    inFileWords(pools.doc),
    "",
    `A pool has ${sectionList("pool")}. Everything else is the whole instance's. What is optional there, such as \`upstream.host\`, is unset where the pool has nothing for it: \`upstream: {host: null}\`.`,
    "",
    "## Routes",
    "",
    inFileWords(routes.doc),
    "",
    ...keyTable(routes.shape.of, ""),
    "",
    `A route may have values of its own of ${sectionList("route")}.`,
    "",
    `\`route_defaults\` has ${Object.keys(defaults.shape.fields)
      .map((name) => `\`${name}\``)
      .join(", ")}. ${inFileWords(defaults.doc)}`,
    "",
    "## Listeners",
    "",
    listeners.doc,
    "",
    ...keyTable(listeners.shape.of, ""),
    "",
    "## Rate limits",
    "",
    `${limits.doc} [rate-limits.md](rate-limits.md) has more.`,
    "",
    ...keyTable(limits.shape.of, ""),
  ];
}

/** `timeouts` (connect, request_body), …: of sections that are all a pool's no keys. */
function sectionList(scope: Scope): string {
  const names = sectionsOf(scope).map(({ name, settings, whole }) => {
    const own = settings.filter((placed) => mayHave(scope, placed));
    if (whole !== null || own.length === settings.length) return `\`${name}\``;
    return `\`${name}\` (${own.map((placed) => placed.name).join(", ")})`;
  });
  return `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

function keyTable(shape: AnyShape, prefix: string): string[] {
  return ["| Key | Value | Meaning |", "|---|---|---|", ...keyRows(shape, prefix)];
}

function keyRows(shape: AnyShape, prefix: string): string[] {
  if (shape.kind !== "struct") return [];
  return Object.entries<Field>(shape.fields).flatMap(([name, { doc, shape: of }]) => {
    const path = prefix + name;
    const inside = of.kind === "list" ? of.of : of;
    const row = `| \`${path}\` | ${cell(writtenAs(of))} | ${cell(doc)} |`;
    return [row, ...keyRows(inside as AnyShape, `${path}${of.kind === "list" ? "[]" : ""}.`)];
  });
}

function writtenAs(shape: AnyShape): string {
  if (shape.kind === "value") return describeType(shape.type);
  if (shape.kind === "list") {
    const of = shape.of as AnyShape;
    if (of.kind !== "value") return "list of mappings";
    return shape.orOne ? `${describeType(of.type)}: one, or a list` : `list of ${describeType(of.type)}`;
  }
  return shape.kind === "map" ? `mapping of ${shape.names.describe}s to ${writtenAs(shape.of)}` : "mapping";
}

function cell(text: string): string {
  return text.replace(/\|/g, "\\|").replace(/(?<!`)<(\w+)>/g, "&lt;$1&gt;");
}
