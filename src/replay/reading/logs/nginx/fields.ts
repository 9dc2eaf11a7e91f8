/** The variables in a line of nginx's access log, by either format. */

/** Texts as they stand; empty where the line does not have them. */
export interface NginxFields {
  readonly msec: string;
  readonly requestTime: string;
  readonly status: string;
  readonly method: string;
  readonly target: string;
  /** `$proxy_host`: the name of the group of servers. */
  readonly upstream: string;
  readonly upstreamAddr: string;
  readonly upstreamStatus: string;
  readonly upstreamHeaderTime: string;
  readonly upstreamResponseTime: string;
}

/** Names that fields may have, in either format: nginx's own, and what is widely used for them. */
const NAMES = {
  msec: ["msec"],
  requestTime: ["request_time", "rt"],
  status: ["status"],
  request: ["request"],
  method: ["request_method", "method"],
  target: ["request_uri", "uri"],
  upstream: ["proxy_host", "upstream", "upstream_name"],
  upstreamAddr: ["upstream_addr", "ua"],
  upstreamStatus: ["upstream_status", "us"],
  upstreamHeaderTime: ["upstream_header_time", "uht"],
  upstreamResponseTime: ["upstream_response_time", "urt"],
} as const;

/** The fields, or what is wrong with the line. */
export function fieldsOf(line: string): NginxFields | string {
  return line.startsWith("{") ? fromJson(line) : fromCombined(line);
}

function fromJson(line: string): NginxFields | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return `it is not JSON: ${(error as Error).message}`;
  }
  return named(value as Given);
}

/** `… "GET / HTTP/1.1" 200 612 "-" "curl" msec=1.5 rt=0.1 ua="10.0.0.1:80"`: in quotes there are no quotes (nginx writes \x22). */
const COMBINED = /^\S+ \S+ [^[]* \[[^\]]*\] "([^"]*)" (\d{3}) \d+ "[^"]*" "[^"]*"(.*)$/;
/** A name is looked for where a word begins alone: from everywhere in a long word would take hours. */
const PAIR = /(?<![a-z_])([a-z_]+)=(?:"([^"]*)"|(\S*))/g;

function fromCombined(line: string): NginxFields | string {
  const match = COMBINED.exec(line);
  if (match === null) return "it is neither JSON nor the combined format with fields behind it";
  const [, request, status, rest] = match;
  const given: Record<string, unknown> = { __proto__: null, request, status };
  for (const [, name, quoted, plain] of rest.matchAll(PAIR)) given[name] = quoted ?? plain;
  return named(given);
}

/** By the names in the log; numbers may stand as numbers. */
type Given = Readonly<Record<string, unknown>>;

function first(given: Given, names: readonly string[]): string {
  for (const name of names) {
    const value = given[name];
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
  }
  return "";
}

function named(given: Given): NginxFields {
  const of = (names: readonly string[]): string => first(given, names);
  const [method = "", target = ""] = of(NAMES.request).split(" ", 2);
  const upstream = of(NAMES.upstream);
  return {
    msec: of(NAMES.msec),
    requestTime: of(NAMES.requestTime),
    status: of(NAMES.status),
    method: of(NAMES.method) || method,
    target: of(NAMES.target) || target,
    upstream: upstream === "-" ? "" : upstream,
    upstreamAddr: of(NAMES.upstreamAddr),
    upstreamStatus: of(NAMES.upstreamStatus),
    upstreamHeaderTime: of(NAMES.upstreamHeaderTime),
    upstreamResponseTime: of(NAMES.upstreamResponseTime),
  };
}
