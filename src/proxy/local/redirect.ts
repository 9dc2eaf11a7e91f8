/**
 * Redirects. `Location` is always a whole address, so that no path can be taken for a host; it is made of what the
 * configuration says and of a host, a path and a query that the parser has let through: no line end is among them.
 */
import type { PathMatch, RedirectAction } from "../../protocol/route.ts";
import { Method } from "../../shared/memory/series-table.ts";
import { QUESTION } from "../http1/char-class.ts";
import { equalBytes } from "../http1/copy.ts";
import { type RequestHead, TargetForm } from "../http1/head.ts";
import { PathRewriter } from "../rewrite/target.ts";
import type { LocalResponse } from "./response.ts";

/** A request, as redirects look at it. */
export interface RedirectedRequest {
  /** Index into `METHODS`. */
  readonly method: number;
  readonly headBuffer: Buffer;
  /** Where the path that is routed, with its query, begins and ends. */
  readonly pathStart: number;
  readonly pathEnd: number;
}

const USUAL_PORTS = { http: "80", https: "443" } as const;
const ACME_CHALLENGE = Buffer.from("/.well-known/acme-challenge/");

/** What a route redirects to, as the Gateway API's RequestRedirect defines it. */
export class Redirect {
  readonly #action: RedirectAction;
  readonly #path: PathRewriter | null;

  /** @param paths of the route. Throws when its path can't stand in an address. */
  constructor(action: RedirectAction, paths: readonly PathMatch[]) {
    this.#action = action;
    this.#path = action.path && new PathRewriter(action.path, paths);
  }

  /**
   * @param secure the client asked by https.
   * @returns null when the request names no host, and the redirect does not either.
   */
  response(request: RedirectedRequest, head: RequestHead, secure: boolean): LocalResponse | null {
    const { scheme, host, port, status } = this.#action;
    const asked = hostOf(request.headBuffer, head);
    const name = host ?? asked.name;
    if (name === "") return null;
    const newScheme = scheme ?? (secure ? "https" : "http");
    const askedPort = scheme === null && host === null ? asked.port : "";
    const newPort = port === null ? askedPort : `${port}`;
    return redirectTo(status, `${origin(newScheme, name, newPort)}${this.#pathOf(request, head)}`);
  }

  #pathOf({ headBuffer, pathStart, pathEnd }: RedirectedRequest, head: RequestHead): string {
    if (this.#path === null || head.targetForm === TargetForm.ASTERISK) {
      return pathText(headBuffer, head, pathStart, pathEnd);
    }
    this.#path.rewrite(headBuffer, pathStart, pathEnd);
    const { prefix, restStart } = this.#path;
    if (prefix.length === 0) return pathText(headBuffer, head, restStart, pathEnd);
    return prefix.toString("latin1") + headBuffer.toString("latin1", restStart, pathEnd);
  }
}

/** The same address with `https:`: what the client asked for, not what it is routed as. */
export class HttpsRedirect {
  readonly #port: () => number | null;

  /** @param port where we listen for TLS at present; null = somebody in front of us does. */
  constructor(port: () => number | null) {
    this.#port = port;
  }

  /**
   * Permanent: 301 for GET and HEAD, as everybody knows it, and 308 for methods that must stay what they are.
   * @returns null when the request names no host.
   */
  response({ method, headBuffer }: RedirectedRequest, head: RequestHead): LocalResponse | null {
    const { name } = hostOf(headBuffer, head);
    if (name === "") return null;
    const status = method === Method.GET || method === Method.HEAD ? 301 : 308;
    const path = pathText(headBuffer, head, head.pathStart, head.targetEnd);
    return redirectTo(status, `${origin("https", name, `${this.#port() ?? ""}`)}${path}`);
  }
}

/**
 * Does whoever gives out certificates ask, by HTTP-01 (RFC 8555 section 8.3)? It has to get its answer before there is a
 * certificate, so it is not sent to https. Only what the standard has: one segment of base64url.
 */
export function isAcmeChallenge(buf: Buffer, { pathStart, targetEnd }: RequestHead): boolean {
  const tokenStart = pathStart + ACME_CHALLENGE.length;
  if (tokenStart >= targetEnd || !equalBytes(buf, pathStart, tokenStart, ACME_CHALLENGE)) return false;
  for (let i = tokenStart; i < targetEnd; i++) {
    const byte = buf[i];
    const letter = byte | 0x20;
    const isToken =
      (letter >= 0x61 && letter <= 0x7a && byte >= 0x41) ||
      (byte >= 0x30 && byte <= 0x39) ||
      byte === 0x2d ||
      byte === 0x5f;
    if (!isToken) return false;
  }
  return true;
}

function redirectTo(status: number, location: string): LocalResponse {
  return { status, type: "", body: "", fields: [["Location", location]], storable: true };
}

function origin(scheme: "http" | "https", host: string, port: string): string {
  return `${scheme}://${host}${port === "" || port === USUAL_PORTS[scheme] ? "" : `:${port}`}`;
}

/** The host that was asked for, which the parser has checked. */
function hostOf(buf: Buffer, { hostStart, hostEnd }: RequestHead): { readonly name: string; readonly port: string } {
  const text = buf.toString("latin1", hostStart, hostEnd);
  const colon = text.lastIndexOf(":");
  const isPort = colon > text.lastIndexOf("]") && colon >= 0;
  return isPort ? { name: text.slice(0, colon), port: text.slice(colon + 1) } : { name: text, port: "" };
}

/** An empty path is a slash (RFC 9110 section 4.2.3), and `*` is none. */
function pathText(buf: Buffer, head: RequestHead, start: number, end: number): string {
  if (head.targetForm === TargetForm.ASTERISK) return "/";
  const text = buf.toString("latin1", start, end);
  return start === end || buf[start] === QUESTION ? `/${text}` : text;
}
