/** Value types that the standard of OpenTelemetry writes in ways of its own. */
import type { ValueType } from "../setting.ts";
import { Complaints, TOKEN, valueType } from "./value-types.ts";

/** Where spans go. */
export interface OtlpEndpoint {
  /** `null` = only host and port are said: whether it is TLS, another setting says. */
  readonly secure: boolean | null;
  /** As in a URL, IPv6 in brackets. */
  readonly host: string;
  /** `null` = that of the scheme. */
  readonly port: number | null;
  /** `/` where none is said; with the query. */
  readonly path: string;
}

/** `http://host:4318`, or for gRPC `host:4317`. */
export const otlpEndpoint: ValueType<OtlpEndpoint> = valueType("URL, or host:port for gRPC", (text) => {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1].toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    throw new Error("must begin with http:// or https://, or be host:port for gRPC");
  }
  const bare = scheme === undefined;
  const url = URL.canParse(bare ? `http://${text}` : text) ? new URL(bare ? `http://${text}` : text) : null;
  const port = /:(\d{1,5})$/.exec(text)?.[1];
  if (url === null || (bare && port === undefined)) {
    throw new Error("must be a URL such as http://localhost:4318, or host:port for gRPC such as localhost:4317");
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error("must not have a user name or a password in it: OTEL_EXPORTER_OTLP_HEADERS takes Authorization=…");
  }
  if (bare && (url.pathname !== "/" || url.search !== "")) throw new Error("must be host:port when it has no http://");
  if (url.hash !== "") throw new Error('must have no "#"');
  const said = bare ? Number(port) : url.port === "" ? null : Number(url.port);
  if (said === 0) throw new Error("must have a port from 1 to 65535");
  return { secure: bare ? null : scheme === "https", host: url.hostname, port: said, path: url.pathname + url.search };
});

const MAX_PAIRS = 64;
const MAX_BYTES = 8192;
/** Octets of a value that need no escape (W3C Baggage, section 3.3.1.3), and those that many write as they are. */
const VALUE = /^[\x20-\x7e]*$/;
/** What says how the request is written, or what becomes of its connection. */
const OURS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** `name=value` pairs, comma-separated, values percent-encoded: header fields by their names in lower case. */
export const otlpHeaders: ValueType<Readonly<Record<string, string>>> = pairs(
  "name=value, name=value",
  (name, value) => {
    if (!TOKEN.test(name)) throw new Error('has no field name before its "=": letters, digits and - make one');
    if (OURS.has(name.toLowerCase())) throw new Error(`names ${name}, which the exporter needs for itself`);
    if (!VALUE.test(value)) throw new Error(`has a value of ${name} with characters beyond visible ASCII`);
    return name.toLowerCase();
  },
);

/** `key=value` pairs, comma-separated, values percent-encoded: attributes of the resource. */
export const resourceAttributes: ValueType<Readonly<Record<string, string>>> = pairs("key=value, key=value", (key) => {
  if (!/^[\x21-\x7e]+$/.test(key)) throw new Error('has no key before its "="');
  return key;
});

/** @param check returns the name to keep, or throws why it cannot be. */
function pairs(
  describe: string,
  check: (name: string, value: string) => string,
): ValueType<Readonly<Record<string, string>>> {
  return valueType(describe, (text) => {
    if (text.length > MAX_BYTES) throw new Error(`must have at most ${MAX_BYTES} characters`);
    const complaints: string[] = [];
    const found: Record<string, string> = {};
    for (const [index, entry] of text.split(",").entries()) {
      if (entry.trim() === "") continue; // the standard lets a comma stand at the end
      try {
        const [name, value] = parsePair(entry);
        found[check(name, value)] = value;
      } catch (error) {
        complaints.push(`entry ${index + 1} ${(error as Error).message}`);
      }
    }
    const count = Object.keys(found).length;
    if (count > MAX_PAIRS) complaints.push(`has ${count} pairs; the most is ${MAX_PAIRS}`);
    if (complaints.length > 0) throw new Complaints(complaints);
    return found;
  });
}

/** Nothing of a value is repeated in a complaint: it may be a password. */
function parsePair(entry: string): [name: string, value: string] {
  const at = entry.indexOf("=");
  if (at < 0) throw new Error('has no "=": write name=value, and a comma in a value as %2C');
  const name = entry.slice(0, at).trim();
  try {
    return [decodeURIComponent(name), decodeURIComponent(entry.slice(at + 1).trim())];
  } catch {
    throw new Error(`has a "%" in the value of ${name} that is no percent-encoding: write it as %25`);
  }
}

/** What `OTEL_PROPAGATORS` may name. */
const PROPAGATORS = ["tracecontext", "baggage", "none"] as const;
/** Those of the standard that we do not have. */
const OTHER_PROPAGATORS = ["b3", "b3multi", "jaeger", "xray", "ottrace"];

/** Comma-separated names. Those that we do not have are kept, so that it can be said once that they do nothing. */
export const propagators: ValueType<readonly string[]> = valueType(
  "tracecontext, baggage, or none",
  (text) => {
    const names = text.split(",").map((entry) => entry.trim().toLowerCase());
    const known: readonly string[] = [...PROPAGATORS, ...OTHER_PROPAGATORS];
    for (const [index, name] of names.entries()) {
      if (!known.includes(name)) throw new Error(`entry ${index + 1} must be one of: ${PROPAGATORS.join(", ")}`);
    }
    if (names.length > 1 && names.includes("none")) throw new Error("must have nothing beside none");
    return names;
  },
  { kind: "list" },
);

/** Of the names, those that do nothing here. */
export function withoutEffect(names: readonly string[]): string[] {
  return names.filter((name) => OTHER_PROPAGATORS.includes(name));
}
