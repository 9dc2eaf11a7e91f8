/** A matcher that is as plain as the rules are, and knows nothing of the product's: every route is looked at, with strings. */
import type { PathMatch, RouteSpec } from "../../../../src/protocol/route.ts";

/** A request; its path is in normal form. */
export interface PlainRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Lower-case names. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Index of the route that takes the request, -1 = none. */
export function referenceMatch(routes: readonly RouteSpec[], request: PlainRequest): number {
  const ranks = routes.flatMap((route, index) => rankOf(route, request, index));
  ranks.sort((a, b) => {
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return b[i] - a[i];
    return 0;
  });
  return ranks.length === 0 ? -1 : -(ranks[0].at(-1) as number);
}

/** How well it fits, the weightiest first; nothing if it does not. */
function rankOf({ match }: RouteSpec, request: PlainRequest, index: number): number[][] {
  const hosts = match.hosts.length === 0 ? [0] : match.hosts.map((host) => hostRank(host, request.host));
  const host = Math.max(...hosts);
  if (host < 0) return [];
  if (match.methods.length > 0 && !match.methods.includes(request.method)) return [];
  for (const { name, value } of match.headers) {
    const values = request.fields.filter(([field]) => field === name).map(([, text]) => text);
    if (value === null ? values.length === 0 : values.length !== 1 || values[0] !== value) return [];
  }
  return match.paths
    .filter((path) => fitsPath(path, request.path))
    .map((path) => [
      host,
      path.kind === "exact" ? 1 : 0,
      trimmed(path.value).length,
      match.methods.length > 0 ? 1 : 0,
      match.headers.length,
      -index,
    ]);
}

/** 1,000 for the name itself, else the length of the wildcard; -1 = does not fit. */
function hostRank(pattern: string, host: string): number {
  if (!pattern.startsWith("*.")) return pattern === host ? 1000 : -1;
  return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1 ? pattern.length : -1;
}

function fitsPath({ kind, value }: PathMatch, path: string): boolean {
  if (kind === "exact") return path === value;
  return `${path}/`.startsWith(`${trimmed(value)}/`);
}

function trimmed(prefix: string): string {
  return prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
}

/** The normal form of a path (RFC 3986 section 6.2.2), by the steps of the RFC on strings. A stray `%` is `%25`. */
export function normalForm(path: string): string {
  const decoded = path
    .replace(/%(?![0-9a-fA-F]{2})/g, "%25")
    .replace(/%[0-9a-fA-F]{2}/g, (octet) => {
      const character = String.fromCharCode(Number.parseInt(octet.slice(1), 16));
      return /[A-Za-z0-9\-._~]/.test(character) ? character : octet.toUpperCase();
    })
    .replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]/g, percent);
  return withoutDotSegments(decoded);
}

/** RFC 3986 section 5.2.4, with its input and output buffers. */
export function withoutDotSegments(path: string): string {
  let input = path;
  let output = "";
  while (input !== "") {
    if (input.startsWith("/./")) input = input.slice(2);
    else if (input === "/.") input = "/";
    else if (input.startsWith("/../") || input === "/..") {
      input = input === "/.." ? "/" : input.slice(3);
      output = output.slice(0, Math.max(0, output.lastIndexOf("/")));
    } else {
      const end = input.indexOf("/", 1);
      output += end < 0 ? input : input.slice(0, end);
      input = end < 0 ? "" : input.slice(end);
    }
  }
  return output;
}

/** `%XX` of a character below 256. */
export function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
