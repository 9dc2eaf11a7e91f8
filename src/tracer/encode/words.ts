/** How parts of a request are told in spans: as OpenTelemetry's semantic conventions for HTTP write them. */

/** Failures for which the client is answerable: its span is no error of ours. */
const BY_CLIENT: ReadonlySet<string> = new Set([
  "client_aborted",
  "client_write_timeout",
  "request_truncated",
  "request_head_timeout",
  "request_body_timeout",
]);

/** Names of query parameters whose values are signatures, or what signs with them (semantic conventions, `url.query`; SigV4). */
const SIGNATURES =
  /(^|&)(AWSAccessKeyId|Signature|sig|X-Goog-Signature|X-Goog-Credential|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)=[^&]*/gi;

/** What `error.type` of a request says; empty = it is no error. 4xx is an error of who asked. */
export function errorOfRequest(status: number, failure: string): string {
  if (status >= 500) return failure || String(status);
  if (failure === "" || BY_CLIENT.has(failure)) return "";
  return status >= 400 ? "" : failure;
}

/** What `error.type` of an attempt says: who asks has 4xx, too. */
export function errorOfAttempt(status: number, failure: string): string {
  return failure || (status >= 400 ? String(status) : "");
}

/** A query without what signs it. */
export function redacted(query: string): string {
  return query.includes("=") ? query.replaceAll(SIGNATURES, "$1$2=REDACTED") : query;
}

/** A `Host` field taken apart; IPv6 without brackets. @param port where none is said. */
export function hostAndPort(field: string, port: number): { readonly host: string; readonly port: number } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(field);
  if (match === null) return { host: field, port };
  const host = match[1].startsWith("[") ? match[1].slice(1, -1) : match[1];
  return { host, port: match[2] === undefined ? port : Number(match[2]) };
}

/** `http://10.0.0.1:80/path`, IPv6 in brackets. */
export function originOf(url: string): string {
  const end = url.indexOf("/", url.indexOf("://") + 3);
  return end < 0 ? url : url.slice(0, end);
}
