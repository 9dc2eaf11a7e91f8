/**
 * What workers are told of a route: which requests it takes and what is done with them. The words are those of the Kubernetes
 * Gateway API (HTTPRoute), whose precedence holds. All of it is frozen and JSON-safe.
 */
import type { AccessLists } from "../shared/addresses/client-access.ts";
import type { RequestSettings } from "./pool.ts";

/** One route. */
export interface RouteSpec {
  /** What metrics count its requests under: a label of series-table.ts, never given to another route of this run. */
  readonly number: number;
  /** As people call it: from the configuration, or made of what it matches. */
  readonly name: string;
  readonly match: RouteMatch;
  /** Whose requests are served, of the clients that may come in; `null` = everybody's. */
  readonly clients: AccessLists | null;
  readonly action: RouteAction;
  /** What it sets for itself; wins over its pool's. */
  readonly settings: Partial<RequestSettings>;
  /** What becomes of a path that servers may read in several ways, when these lead to different routes. */
  readonly ambiguousPaths: "refuse" | "allow";
  /** What the server is asked for instead of what the client asked for. */
  readonly rewrite: RouteRewrite | null;
  readonly requestHeaders: HeaderEdits | null;
  readonly responseHeaders: HeaderEdits | null;
  /** A request in clear is sent to the same address with `https:`. */
  readonly httpsRedirect: boolean;
  /** `Strict-Transport-Security` of its responses over TLS, in milliseconds; 0 = none. */
  readonly hstsMs: number;
  readonly mirror: Mirror | null;
  readonly forwardAuth: ForwardAuth | null;
  readonly compression: CompressionSettings | null;
  /** The first that fits the status of an error of ours. */
  readonly errorPages: readonly ErrorPage[];
}

/** What a route is that does nothing with its requests but send them where they are meant to go. */
export const PLAIN_ROUTE = {
  clients: null,
  settings: {},
  ambiguousPaths: "refuse",
  rewrite: null,
  requestHeaders: null,
  responseHeaders: null,
  httpsRedirect: false,
  hstsMs: 0,
  mirror: null,
  forwardAuth: null,
  compression: null,
  errorPages: [],
} as const satisfies Omit<RouteSpec, "number" | "name" | "match" | "action">;

/** Which requests. Of several hosts, paths or methods one has to fit, of the fields all. */
export interface RouteMatch {
  /** Lower case, without a port; `*.example.com` fits every name below it, but not itself. Empty = every host. */
  readonly hosts: readonly string[];
  /** Never empty. */
  readonly paths: readonly PathMatch[];
  /** Empty = every method. */
  readonly methods: readonly string[];
  readonly headers: readonly HeaderMatch[];
}

/** `prefix`: by segments, so `/api` fits `/api`, `/api/` and `/api/x`, not `/apix`. In normal form (RFC 3986 section 6.2.2). */
export interface PathMatch {
  readonly kind: "exact" | "prefix";
  readonly value: string;
}

/** A field that occurs once and has this value; `null` = that is there at all. */
export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  readonly value: string | null;
}

/** What is done with the request. */
export type RouteAction = ForwardAction | RedirectAction | RespondAction;

/** To the servers of a pool; of several, each gets its share. */
export interface ForwardAction {
  readonly kind: "forward";
  /** Never empty; the weights are ≥ 0, and one of them is more. */
  readonly targets: readonly { readonly pool: string; readonly weight: number }[];
  /** The same client goes to the same pool: by what, as `HASH_ON` says it. `null` = each request by itself. */
  readonly splitBy: string | null;
}

/** To another address. What is `null` stays as the client asked for it. */
export interface RedirectAction {
  readonly kind: "redirect";
  readonly status: 301 | 302 | 303 | 307 | 308;
  readonly scheme: "http" | "https" | null;
  readonly host: string | null;
  /** `null`: the usual one of the scheme, if that or the host is another; else the client's. */
  readonly port: number | null;
  readonly path: PathRewrite | null;
}

/** A fixed response. */
export interface RespondAction {
  readonly kind: "respond";
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** What stays `null` is not rewritten. */
export interface RouteRewrite {
  readonly path: PathRewrite | null;
  /** `Host`. */
  readonly host: string | null;
}

/** `full`: the whole path, the query stays. `prefix`: what the route's path matched as a prefix. */
export interface PathRewrite {
  readonly kind: "full" | "prefix";
  readonly value: string;
}

/** A header field. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Changes of a header, in this order: what is removed, what is set (instead of all of that name), what is added. */
export interface HeaderEdits {
  /** Lower case. */
  readonly remove: readonly string[];
  readonly set: readonly HeaderField[];
  readonly add: readonly HeaderField[];
}

/** A share of the requests goes to another pool as well, whose responses nobody gets. */
export interface Mirror {
  readonly pool: string;
  /** 0 … 100. */
  readonly percent: number;
}

/** A server is asked first whether the request may pass. */
export interface ForwardAuth {
  readonly pool: string;
  /** What is asked for there, origin-form. */
  readonly path: string;
  /** Fields of the request that it is told, lower case; empty = all but those of the body and of the connection. */
  readonly requestHeaders: readonly string[];
  /** Fields of its response that the request is given, instead of the client's; lower case. */
  readonly responseHeaders: readonly string[];
  readonly timeoutMs: number;
}

/** Which responses are compressed, if the client takes it (RFC 9110 section 12.5.3). */
export interface CompressionSettings {
  /** The preferred one first. */
  readonly encodings: readonly ("br" | "zstd" | "gzip")[];
  /** Shorter ones are not worth it. */
  readonly minBytes: number;
  /** Media types, lower case, without parameters; `text/*` is every type of its kind. */
  readonly types: readonly string[];
}

/** What errors of ours look like. */
export interface ErrorPage {
  /** Statuses from the first to the second. */
  readonly statuses: readonly [from: number, to: number];
  readonly contentType: string;
  /** `{{status}}`, `{{reason}}`, `{{code}}`, `{{message}}` and `{{request_id}}` are filled in. */
  readonly template: string;
}
