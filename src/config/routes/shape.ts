/** What the file says of a route. */
import { MOST_SHARES, SHARE } from "../../shared/ranges.ts";
import { ACCESS_LISTS } from "../listeners/access-lists.ts";
import { field, list, map, oneOrMore, orEmpty, type ReadOf, struct, value } from "../shapes/shape.ts";
import { hashOn } from "../values/hash-on.ts";
import {
  exactPath,
  fieldName,
  fieldValue,
  mediaRange,
  mediaType,
  methodName,
  pathPrefix,
  plainHost,
  redirectStatus,
  routeHost,
} from "../values/http-names.ts";
import { shortName } from "../values/names.ts";
import { statuses } from "../values/status-ranges.ts";
import {
  decimal,
  integer,
  oneOf,
  path,
  port,
  seconds,
  size,
  toggle,
  urlPath,
  wholeText,
} from "../values/value-types.ts";

const WEIGHT = integer(SHARE.least, SHARE.most);

const edits = (what: string, secret: boolean, sample: string) =>
  struct({
    set: field(
      `Fields that ${what} gets instead of those of the same names.`,
      map(fieldName, value(fieldValue, { secret }), 64),
      sample,
    ),
    add: field(
      `Fields that ${what} gets beside those of the same names; one value or a list.`,
      map(fieldName, list(value(fieldValue, { secret }), { orOne: true, max: 64 }), 64),
      "{}",
    ),
    remove: field(`Fields that ${what} does not get.`, oneOrMore(fieldName), "[]"),
  });

/** One route. */
export const ROUTE = struct(
  {
    name: field(
      "What metrics and logs call it. Not there means a name made of what it matches.",
      value(shortName),
      "shop-api",
    ),
    host: field(
      "Hosts, one of which has to fit; `*.shop.example` is every name below it, but not itself. Not there means all.",
      oneOrMore(routeHost),
      "[shop.example, '*.shop.example']",
    ),
    path: field(
      "Where the path begins, by segments: `/api` fits `/api` and `/api/x`, not `/apix`.",
      oneOrMore(pathPrefix),
      "/api",
    ),
    exact_path: field("Whole paths, beside those of `path`.", oneOrMore(exactPath), "[]"),
    methods: field("Methods. Not there means all.", oneOrMore(methodName), "[GET, HEAD, POST]"),
    headers: field(
      'Header fields that the request has, each once and with this value; `"*"` for any.',
      map(fieldName, value(fieldValue), 16),
      "{}",
    ),
    clients: field(
      "Who is served, of the clients that the listener lets in; others are answered with 403.",
      ACCESS_LISTS,
      "{allow: [10.0.0.0/8, 'fd00::/8']}",
    ),

    pool: field(
      "What is done: the request goes to this pool. A route has exactly one of `pool`, `split`, `redirect` and `respond`.",
      value(shortName),
      "shop",
    ),
    split: field(
      "Or: to one of several pools, each of which gets its share.",
      list(
        struct({
          pool: field("A pool.", value(shortName), "shop"),
          weight: field("Its share, relative to the others (default 1).", value(WEIGHT), "1"),
        }),
        { max: MOST_SHARES },
      ),
      "",
    ),
    split_by: field(
      "What keeps a client in its share: client_ip, header:<name> or cookie:<name>. Not there means that each request is drawn anew.",
      value(hashOn),
      "",
    ),
    redirect: field(
      "Or: the client is sent elsewhere. What is not said stays as it asked for it.",
      struct({
        scheme: field("http or https.", value(oneOf(["http", "https"])), ""),
        host: field("Another host.", value(plainHost), ""),
        port: field("Another port.", value(port(1)), ""),
        path: field("Another path; the query stays.", value(urlPath), ""),
        prefix: field("What stands for the part of the path that `path` of the route fits.", value(urlPath), ""),
        status: field("301, 302, 303, 307 or 308 (default 302).", value(redirectStatus), ""),
      }),
      "",
    ),
    respond: field(
      "Or: a fixed answer.",
      struct({
        status: field("Status (default 200).", value(integer(200, 599)), ""),
        body: field("Its text.", value(wholeText), ""),
        body_file: field("Or a file with its text, at most 64 KiB.", value(path), ""),
        content_type: field("Default text/plain; charset=utf-8.", value(mediaType), ""),
      }),
      "",
    ),

    rewrite: field(
      "What the server is asked for instead of what the client asked for.",
      struct({
        path: field("The whole path; the query stays.", value(urlPath), ""),
        prefix: field("What stands for the part of the path that `path` fits.", value(urlPath), "/"),
        host: field("`Host`.", value(plainHost), ""),
      }),
      "",
    ),
    request_headers: orEmpty(
      field("Changes of the header that servers get.", edits("the server", true, "{x-site: shop}"), ""),
    ),
    response_headers: orEmpty(
      field("Changes of the header that clients get.", edits("the client", false, "{x-frame-options: DENY}"), ""),
    ),
    https_redirect: field("Sends requests in clear to https. Not there means TLS_REDIRECT.", value(toggle), "off"),
    hsts: field(
      "Clients that speak HTTPS are to speak nothing else for this long. Not there means TLS_HSTS_SECONDS.",
      value(seconds(0, 3_153_600_000)),
      "1d",
    ),
    ambiguous_paths: field(
      "What becomes of a path that servers may read in several ways (`%2f`, `\\`, `//`) when these lead to different routes: 400, or as this route says.",
      value(oneOf(["refuse", "allow"])),
      "refuse",
    ),
    mirror: field(
      "A share of the requests goes to another pool as well, whose answers nobody gets.",
      struct({
        pool: field("The other pool.", value(shortName), ""),
        percent: field("The share (default 100).", value(decimal(0, 100)), ""),
      }),
      "{pool: api, percent: 5}",
    ),
    forward_auth: field(
      "A server is asked first whether the request may pass.",
      struct({
        pool: field("Its pool.", value(shortName), ""),
        path: field("What it is asked for (default /).", value(urlPath), ""),
        request_headers: field(
          "Fields of the request that it is told. Not there means all but those of body and connection.",
          oneOrMore(fieldName),
          "",
        ),
        response_headers: field("Fields of its answer that the request is given.", oneOrMore(fieldName), ""),
        timeout: field("How long it may take (default 5s).", value(seconds(0.001, 3600)), ""),
      }),
      "{pool: auth, path: /check, response_headers: [x-user]}",
    ),
    compression: orEmpty(
      field(
        "Answers are compressed for clients that take it. `{}` as by default.",
        struct({
          encodings: field(
            "The preferred one first (default br, zstd, gzip).",
            oneOrMore(oneOf(["br", "zstd", "gzip"])),
            "",
          ),
          min_size: field("Shorter ones are left alone (default 1KiB).", value(size(0, 2 ** 30)), ""),
          types: field("Media types; `text/*` is all of a kind.", oneOrMore(mediaRange), ""),
        }),
        "{}",
      ),
    ),
    error_pages: orEmpty(
      field(
        "What errors of the balancer's own look like: the first that fits.",
        list(
          struct({
            statuses: field("Statuses and ranges: 404, 500-599, 5xx.", oneOrMore(statuses), "[500-599]"),
            file: field(
              "A file with the page, at most 64 KiB. `{{status}}`, `{{reason}}`, `{{code}}`, `{{message}}` and `{{request_id}}` are filled in.",
              value(path),
              "error.html",
            ),
            content_type: field("Not there means by the file's name: .html, .json or text.", value(mediaType), ""),
          }),
          { max: 64 },
        ),
        "[{statuses: [500-599], file: error.html}]",
      ),
    ),
  },
  "route",
);

const { request_headers, response_headers, compression, error_pages } = ROUTE.fields;

/** What routes have that do not say it themselves; the rest has sections of settings for that. */
export const ROUTE_DEFAULTS = struct({ request_headers, response_headers, compression, error_pages });

/** As they were read. */
export type RouteDefaultsBlock = ReadOf<typeof ROUTE_DEFAULTS>;

/** A route as it was read. */
export type RouteBlock = ReadOf<typeof ROUTE>;
