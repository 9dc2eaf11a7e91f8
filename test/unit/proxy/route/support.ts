/** What the tests of routes share: short words for routes and requests, and a table asked for a name. */
import { routeToAll } from "../../../../src/config/routes/default-route.ts";
import type { RouteSpec } from "../../../../src/protocol/route.ts";
import { RequestHead } from "../../../../src/proxy/http1/head.ts";
import { parseRequestHead } from "../../../../src/proxy/http1/request-parser.ts";
import { AMBIGUOUS, NO_ROUTE, RouteTable } from "../../../../src/proxy/route/route-table.ts";

/** What a route says; the rest is as usual. */
export interface RouteWords {
  readonly name: string;
  readonly hosts?: readonly string[];
  /** Prefixes. */
  readonly paths?: readonly string[];
  readonly exact?: readonly string[];
  readonly methods?: readonly string[];
  /** `*` = is there. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly allow?: boolean;
}

/** A route of these words. */
export function routeOf(words: RouteWords): RouteSpec {
  const { name, hosts = [], paths = [], exact = [], methods = [], headers = {}, allow = false } = words;
  const all = [
    ...exact.map((value) => ({ kind: "exact" as const, value })),
    ...paths.map((value) => ({ kind: "prefix" as const, value })),
  ];
  return {
    ...routeToAll("default", { redirect: false, hstsMs: 0 }),
    number: 0,
    name,
    match: {
      hosts,
      paths: all.length === 0 ? [{ kind: "prefix", value: "/" }] : all,
      methods,
      headers: Object.entries(headers).map(([field, value]) => ({
        name: field.toLowerCase(),
        value: value === "*" ? null : value,
      })),
    },
    ambiguousPaths: allow ? "allow" : "refuse",
  };
}

/** A request as a client writes it. */
export interface RequestWords {
  readonly method?: string;
  readonly host?: string;
  readonly target?: string;
  /** Lines `Name: value`. */
  readonly fields?: readonly string[];
}

const HEAD = new RequestHead();

/** A parsed request. The head is the same object each time. */
export function parsed({ method = "GET", host = "example.test", target = "/", fields = [] }: RequestWords): {
  readonly buf: Buffer;
  readonly head: RequestHead;
} {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields, "", ""];
  // Something in front and behind: nothing must be read there.
  const buf = Buffer.from(`/before${lines.join("\r\n")}/behind`, "latin1");
  const result = parseRequestHead(buf, 7, buf.length, HEAD, { maxHeadBytes: 65_536, maxFields: 64 });
  if (result <= 0) throw new Error(`${method} ${target} was refused: ${result}`);
  return { buf, head: HEAD };
}

/** A table that is asked for names: `none` and `ambiguous` stand for `NO_ROUTE` and `AMBIGUOUS`. */
export class NamedTable {
  readonly table: RouteTable;
  readonly #names: readonly string[];

  constructor(routes: readonly RouteWords[]) {
    this.table = new RouteTable(routes.map(routeOf));
    this.#names = routes.map(({ name }) => name);
  }

  /** Which route takes the request? @param trusted whether its peer is. */
  nameFor(words: RequestWords, trusted = true): string {
    const { buf, head } = parsed(words);
    const index = this.table.match(buf, head, head.pathStart, head.targetEnd, trusted);
    if (index === NO_ROUTE) return "none";
    return index === AMBIGUOUS ? "ambiguous" : this.#names[index];
  }

  /** Which route takes a request for this path? */
  nameOf(target: string): string {
    return this.nameFor({ target });
  }
}
