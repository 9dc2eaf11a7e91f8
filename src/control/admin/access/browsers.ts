/**
 * What a browser on an operator's machine must not be made to do. The admin port has no sessions and no cookies, so what is
 * left to fear is a foreign page that makes it ask: by a plain form or fetch (refused by content type, `Origin` and
 * `Sec-Fetch-Site`), or by a name of the attacker's that suddenly means 127.0.0.1 (DNS rebinding, refused by `Host`). No
 * response ever has a field of CORS.
 */
import ipaddr from "ipaddr.js";
import { ApiError } from "../responses.ts";
import type { AccessPolicy } from "./policy.ts";

/** Is it reached under a name that it has? Whoever gives no name (HTTP/1.0) is no browser. */
export function hasOwnName(request: Request, { hosts }: AccessPolicy): boolean {
  const host = request.headers.get("host");
  if (host === null) return true;
  return isOwn(hostName(host), hosts);
}

/** Comes it from a page of another site, as far as the browser says? */
export function isForeign(request: Request, { hosts }: AccessPolicy): boolean {
  const { headers } = request;
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("origin");
  if (origin === null) return false;
  const from = originHost(origin);
  if (from === null) return true;
  // Behind a proxy of the operator's, the browser knows another name than the proxy asks for.
  return from !== headers.get("host")?.toLowerCase() && !hosts.includes(hostName(from));
}

/** Does it only read? */
export function isReading({ method }: Request): boolean {
  return method === "GET" || method === "HEAD";
}

/** Throws 415 for a change that a form could send. */
export function requireJson(request: Request): void {
  const { method, headers } = request;
  if (isReading(request) || method === "DELETE") return; // no form can send it, and it has no body
  const type = headers.get("content-type")?.split(";")[0].trim().toLowerCase();
  if (type !== "application/json") {
    throw new ApiError(415, "unsupported_media_type", "send the change as Content-Type: application/json");
  }
}

function isOwn(name: string, hosts: readonly string[]): boolean {
  return name === "localhost" || name.endsWith(".localhost") || ipaddr.isValid(name) || hosts.includes(name);
}

/** `host:port` of an origin; the port is left out when it is the scheme's own, as in `Host`. */
function originHost(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null; // "null" of a sandboxed page
  }
}

function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(host);
  return (bracketed ? bracketed[1] : host.replace(/:\d*$/, "")).toLowerCase();
}
