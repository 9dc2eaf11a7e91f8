/**
 * Who may use the admin port. It has no sessions, so what is left to fear is a browser on the operator's machine that a
 * foreign page makes ask for it: by a plain form or fetch (refused by content type and origin), or by a name of the
 * attacker's that suddenly means 127.0.0.1 (DNS rebinding, refused by `Host`).
 */
import { timingSafeEqual } from "node:crypto";
import ipaddr from "ipaddr.js";
import type { Caller, Scope } from "../call.ts";
import { ApiError } from "../responses.ts";

/** What the guard knows of the listener. */
export interface GuardOptions {
  /** `ADMIN_TOKEN`; `null` = none is asked for. */
  readonly token: string | null;
  /** The listener is only reached from this machine. */
  readonly loopbackOnly: boolean;
}

/** Who asks, if it may do what needs `scope`; throws 401 unless its token is there or none is asked for. */
export function authorize(
  request: Request,
  { token, client }: GuardOptions & { readonly client: string },
  scope: Scope,
): Caller {
  if (token === null) return { name: "", client, scope: "admin" };
  const given = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given !== undefined && equalInConstantTime(given, token)) return { name: "ADMIN_TOKEN", client, scope: "admin" };
  if (scope === "public" || scope === "metrics") return { name: "", client, scope };
  throw new ApiError(401, "unauthorized", "give the admin token as: Authorization: Bearer <ADMIN_TOKEN>", {
    "www-authenticate": 'Bearer realm="neurabalancer"',
  });
}

/**
 * Throws 403 for a request to a loopback listener under a foreign name. A token says more than a name; and whoever gives
 * no name (HTTP/1.0) is no browser.
 */
export function requireOwnName(request: Request, { token, loopbackOnly }: GuardOptions): void {
  if (!loopbackOnly || token !== null) return;
  const host = request.headers.get("host");
  if (host === null) return;
  const name = hostName(host);
  if (name === "localhost" || name.endsWith(".localhost") || ipaddr.isValid(name)) return;
  throw new ApiError(403, "foreign_host", "reach the admin port as localhost or by address, or set ADMIN_TOKEN");
}

/** Throws 403 or 415 for a change that a foreign page could have made a browser send. */
export function requireSameSite(request: Request): void {
  const { headers } = request;
  const site = headers.get("sec-fetch-site");
  const origin = headers.get("origin");
  const foreign =
    (site !== null && site !== "same-origin" && site !== "none") ||
    (origin !== null && originHost(origin) !== headers.get("host")?.toLowerCase());
  if (foreign) throw new ApiError(403, "cross_site", "changes from other sites are refused");
  if (request.method === "DELETE") return; // no form can send it, and it has no body
  const type = headers.get("content-type")?.split(";")[0].trim().toLowerCase();
  if (type !== "application/json") {
    throw new ApiError(415, "unsupported_media_type", "send the change as Content-Type: application/json");
  }
}

function equalInConstantTime(given: string, expected: string): boolean {
  // Of hashes, for timingSafeEqual wants the same length, and the length of the token is nobody's business.
  const hash = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
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
