/**
 * Which fields of a head nobody edits: those that frame a message or belong to one connection, and those that the proxy
 * writes itself, which would be there twice.
 */

/** Of one connection, and of how a message ends (RFC 9110 section 7.6.1, RFC 9112 section 6). */
const EVERYWHERE = [
  "connection",
  "content-length",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Lower case. `Host` is rewritten by a setting of its own. */
export const FIXED_REQUEST_FIELDS: ReadonlySet<string> = new Set([
  ...EVERYWHERE,
  "expect",
  "forwarded",
  "host",
  "traceparent",
  "tracestate",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-request-id",
]);

/** Lower case. */
export const FIXED_RESPONSE_FIELDS: ReadonlySet<string> = new Set([...EVERYWHERE, "date"]);

/** Bytes of all that one route adds to a head, lines with their ends. */
export const MAX_ADDED_BYTES = 8192;

/**
 * A name as it is compared: lower case, and hyphens for underscores. Programs that get fields as variables (CGI, WSGI) can't
 * tell `X_User` from `X-User`.
 */
export function plainFieldName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}
