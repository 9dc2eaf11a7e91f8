/** What a route does with its requests beside choosing a server, worked out once. */
import type { RouteSpec } from "../../protocol/route.ts";
import { FIXED_REQUEST_FIELDS, FIXED_RESPONSE_FIELDS } from "../../shared/fixed-fields.ts";
import { type Failure, Failures } from "../failure.ts";
import { type RequestHead, TargetForm } from "../http1/head.ts";
import { REASON_PHRASES } from "../http1/reason-phrases.ts";
import { ErrorPages } from "../local/error-pages.ts";
import { HttpsRedirect, isAcmeChallenge, Redirect, type RedirectedRequest } from "../local/redirect.ts";
import type { LocalResponse } from "../local/response.ts";
import { compileEdits, HeadEdits } from "../rewrite/edits.ts";
import { hstsEdits } from "../rewrite/hsts.ts";
import type { Peer } from "../rewrite/request.ts";
import { cameSecure } from "../rewrite/scheme.ts";
import { PathRewriter } from "../rewrite/target.ts";

/** A request, as rules look at it and change it. */
export interface RuledRequest extends RedirectedRequest {
  readonly peer: Peer;
  pathPrefix: Buffer;
  pathStart: number;
  edits: HeadEdits | null;
  responseEdits: HeadEdits | null;
}

/** One route's. */
export class RouteRules {
  readonly #requestEdits: HeadEdits | null;
  /** Of responses to who asked by http, and by https. */
  readonly #responseEdits: HeadEdits | null;
  readonly #secureEdits: HeadEdits | null;
  readonly #path: PathRewriter | null;
  /** Its servers read paths as RFC 3986 says: nothing climbs there. */
  readonly #allowsClimbing: boolean;
  readonly #httpsRedirect: HttpsRedirect | null;
  readonly #redirect: Redirect | null;
  readonly #fixed: LocalResponse | null;
  /** Requests come and go as they are: there is nothing to ask. */
  readonly #plain: boolean;
  /** `Host` for servers; null = the pool's, or the client's. */
  readonly host: Buffer | null;
  readonly errorPages: ErrorPages | null;

  /** @param tlsPort where we listen for TLS at present; null = nowhere. */
  constructor(spec: RouteSpec, tlsPort: () => number | null) {
    const { action, rewrite, match } = spec;
    this.#requestEdits = compileEdits(spec.requestHeaders, FIXED_REQUEST_FIELDS);
    this.#responseEdits = compileEdits(spec.responseHeaders, FIXED_RESPONSE_FIELDS);
    this.#secureEdits = HeadEdits.join(hstsEdits(spec.hstsMs), this.#responseEdits);
    this.#path = rewrite?.path && action.kind === "forward" ? new PathRewriter(rewrite.path, match.paths) : null;
    this.#allowsClimbing = spec.ambiguousPaths === "allow";
    this.#httpsRedirect = spec.httpsRedirect ? new HttpsRedirect(tlsPort) : null;
    this.#redirect = action.kind === "redirect" ? new Redirect(action, match.paths) : null;
    this.#fixed =
      action.kind === "respond"
        ? {
            status: action.status,
            type: action.body === "" ? "" : action.contentType,
            body: Buffer.from(action.body),
            fields: [],
            storable: true,
          }
        : null;
    const host = rewrite?.host ?? null;
    this.host = host === null ? null : Buffer.from(host, "latin1");
    this.errorPages =
      spec.errorPages.length === 0 ? null : new ErrorPages(spec.errorPages, (status) => REASON_PHRASES[status] ?? "");
    const edits = this.#requestEdits ?? this.#responseEdits ?? this.#secureEdits;
    this.#plain = edits === null && this.#path === null && this.#httpsRedirect === null;
  }

  /**
   * Before anything else is done with a request: says what is changed in its response, whoever gives it, and rewrites it.
   * @returns why it goes no farther: it is sent to https, or refused; null = it goes on.
   */
  begin(request: RuledRequest, head: RequestHead): LocalResponse | Failure | null {
    return this.#plain ? null : this.#begin(request, head);
  }

  #begin(request: RuledRequest, head: RequestHead): LocalResponse | Failure | null {
    const asksScheme = this.#httpsRedirect !== null || this.#secureEdits !== this.#responseEdits;
    const secure = asksScheme && cameSecure(request.peer, request.headBuffer, head);
    request.responseEdits = secure ? this.#secureEdits : this.#responseEdits;
    if (this.#httpsRedirect !== null && !secure && !isAcmeChallenge(request.headBuffer, head)) {
      return this.#httpsRedirect.response(request, head) ?? Failures.HOST_REQUIRED;
    }
    request.edits = this.#requestEdits;
    const path = this.#path;
    if (path === null || head.targetForm === TargetForm.ASTERISK) return null;
    path.rewrite(request.headBuffer, request.pathStart, request.pathEnd);
    if (path.climbs && !this.#allowsClimbing) return Failures.AMBIGUOUS_PATH;
    request.pathPrefix = path.prefix;
    request.pathStart = path.restStart;
    return null;
  }

  /** What the route itself has for a response, where there is no pool. */
  response(request: RuledRequest, head: RequestHead): LocalResponse | Failure {
    if (this.#fixed !== null) return this.#fixed;
    const secure = cameSecure(request.peer, request.headBuffer, head);
    return this.#redirect?.response(request, head, secure) ?? Failures.HOST_REQUIRED;
  }
}
