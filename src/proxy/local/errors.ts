/** What clients are told of failures: a page of the operator's, or JSON. */
import type { Failure } from "../failure.ts";
import { PROXY_NAME } from "../rewrite/request.ts";
import type { ErrorPages } from "./error-pages.ts";
import type { LocalResponse } from "./response.ts";

/** Seconds after which a client may try again when there was no room or no server. */
const RETRY_AFTER_SECONDS = 1;

/**
 * The response for a failure: a page that the client takes, or JSON for people and programs; `Proxy-Status` (RFC 9209) for
 * both.
 * @param accept the client's `Accept`; null = it has none.
 */
export function errorResponse(
  failure: Failure,
  requestId: string,
  pages: ErrorPages | null = null,
  accept: string | null = null,
): LocalResponse {
  const { status, code, message } = failure;
  const fields: [string, string][] = [
    ["Proxy-Status", `${PROXY_NAME}; error=${failure.proxyError}; details="${code}"`],
    ["X-Request-Id", requestId],
  ];
  if (status === 503) fields.push(["Retry-After", `${RETRY_AFTER_SECONDS}`]);
  if (status === 405) fields.push(["Allow", "GET, HEAD"]);
  const page = pages?.page({ status, code, message, requestId }, accept) ?? null;
  if (page !== null) return { status, ...page, fields };
  return {
    status,
    type: "application/json",
    body: `${JSON.stringify({ error: { code, message, request_id: requestId } })}\n`,
    fields,
  };
}
