/** Paths as they are rewritten: by the Gateway API's table, in every spelling, and never out of the new prefix. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { PathMatch } from "../../../../src/protocol/route.ts";
import { TargetForm } from "../../../../src/proxy/http1/head.ts";
import { normalPath } from "../../../../src/proxy/path/normal-path.ts";
import { mayClimb } from "../../../../src/proxy/rewrite/climbing.ts";
import { Peer, writeRequestHead } from "../../../../src/proxy/rewrite/request.ts";
import { PathRewriter } from "../../../../src/proxy/rewrite/target.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";
import { request } from "../support.ts";

function prefix(value: string): PathMatch {
  return { kind: "prefix", value };
}

/** What the server is asked for, with nothing where `writeRequestHead` makes it a slash; `climbs` where that is refused. */
function rewritten(target: string, value: string, ...paths: PathMatch[]): string {
  return ask(new PathRewriter({ kind: "prefix", value }, paths), target);
}

function ask(rewriter: PathRewriter, target: string): string {
  const buf = Buffer.from(`GET ${target} HTTP/1.1`, "latin1");
  rewriter.rewrite(buf, 4, 4 + target.length);
  if (rewriter.climbs) return "climbs";
  return rewriter.prefix.toString("latin1") + buf.toString("latin1", rewriter.restStart, 4 + target.length);
}

describe("a prefix", () => {
  test.each([
    ["/foo/bar", "/foo", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo", "/xyz/", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz", "/xyz/bar"],
    ["/foo/bar", "/foo/", "/xyz/", "/xyz/bar"],
    ["/foo", "/foo", "/xyz", "/xyz"],
    ["/foo/", "/foo", "/xyz", "/xyz/"],
    ["/foo/bar", "/foo", "", "/bar"],
    ["/foo/", "/foo", "", "/"],
    ["/foo", "/foo", "", ""],
    ["/foo/", "/foo", "/", "/"],
    ["/foo", "/foo", "/", ""],
    ["/foo?a=/foo", "/foo", "/xyz", "/xyz?a=/foo"],
    ["/foo/?a", "/foo", "/", "/?a"],
    ["/foo?a", "/foo", "/", "?a"],
    ["/bar?x=..", "/", "/xyz", "/xyz/bar?x=.."],
    ["", "/", "/xyz", "/xyz"],
    ["?a", "/", "/xyz", "/xyz?a"],
  ])("%s that %s has matched becomes, with %j, %j", (target, matched, value, expected) => {
    expect(rewritten(target, value, prefix(matched))).toBe(expected);
  });

  test("the longest path of the route that fits is what is replaced", () => {
    const paths = [prefix("/"), prefix("/a/b"), prefix("/a")];
    for (const [target, expected] of [
      ["/a/b/c", "/x/c"],
      ["/a/bc", "/x/bc"],
      ["/a", "/x"],
      ["/ab", "/x/ab"],
      ["/%61/b/%63", "/x/%63"],
    ]) {
      expect(rewritten(target, "/x", ...paths)).toBe(expected);
    }
  });

  test("of an exact path all is replaced", () => {
    expect(rewritten("/a?b", "/x", { kind: "exact", value: "/a" })).toBe("/x?b");
    expect(rewritten("/%61?b", "/x", { kind: "exact", value: "/a" })).toBe("/x?b");
    expect(rewritten("/", "/x", { kind: "exact", value: "/" })).toBe("/x");
  });

  test.each([
    ["what follows stays as it came", "/%61pi/%7Ex%2fy;v=1", "/x/%7Ex%2fy;v=1"],
    ["two slashes stay", "/api//b", "/x//b"],
    ["a hidden name is no dot segment", "/api/.git/..x/x..", "/x/.git/..x/x.."],
    ["a broken encoding is what it is", "/api/%zz%4", "/x/%zz%4"],
    ["dot segments are gone before what follows is known", "/b/../api/./c/../d", "/x/d"],
    ["so are encoded ones", "/b/%2e%2E/api/c/.%2e/%64", "/x/d"],
    ["at the end, too", "/api/c/..", "/x/"],
    ["the query is no path", "/api/c?..%2f..", "/x/c?..%2f.."],
  ])("%s: %s", (_, target, expected) => {
    expect(rewritten(target, "/x", prefix("/api"))).toBe(expected);
  });

  test.each([
    "/api/..%2fadmin",
    "/api/x%2F..%2f..%2fadmin",
    "/api/..\\admin",
    "/api/..%5cadmin",
    "/api/..;/admin",
    "/api/..;v=1/admin",
    "/api/%252e%252e/admin",
    "/api/%252e%252e%252fadmin",
    "/api/..%00/admin",
    "/api/%2e%2e%3b/admin",
    "/api/a/../..%2fadmin",
    "/api/..%3fx",
    "/api/..%23x",
    "/api/%u002e%u002e/x",
    "/api/%20../x",
    "/api/a%255c%252e%252e",
    "/api/%c0%ae%c0%ae/x",
    "/api/..%25c0%25afx",
    "/api/%252525252e%252525252e/x",
  ])("%s could lead out of the new prefix", (target) => {
    expect(rewritten(target, "/x", prefix("/api"))).toBe("climbs");
  });
});

describe("the whole path", () => {
  test("is replaced, and the query stays", () => {
    const rewriter = new PathRewriter({ kind: "full", value: "/x/y" }, [prefix("/")]);
    for (const [target, expected] of [
      ["/a/b", "/x/y"],
      ["/a/..%2fb?c=/d", "/x/y?c=/d"],
      ["?c", "/x/y?c"],
    ]) {
      expect(ask(rewriter, target)).toBe(expected);
    }
  });
});

test.each(["x", "/a b", "/a?b", "/a#b", "/a\r\nX: y", "/\u00e9", "/\u010d"])("%j is no path to rewrite to", (value) => {
  expect(() => new PathRewriter({ kind: "full", value }, [])).toThrow("is no path to rewrite to");
});

test("what follows the path of the route is passed on, however it is spelled", () => {
  const segment = fc.constantFrom("a", '"', "|", "%", "%zz", "~", "\u00fc", "@", "%2f", "..b", "%25");
  const spelled = (text: string, how: number): string => {
    const code = text.charCodeAt(0);
    return text.length > 1 || how === 0 ? text : `%${code.toString(16).padStart(2, "0")}`;
  };
  fc.assert(
    fc.property(fc.array(fc.tuple(segment, fc.nat(1)), { minLength: 1, maxLength: 5 }), (pieces) => {
      const path = `/${pieces.map(([text, how]) => spelled(text, how)).join("")}`;
      expect(rewritten(`${path}/rest?q`, "/new", prefix(normalPath(path)))).toBe("/new/rest?q");
    }),
  );
});

test("a rewritten request is still one request, for the same host", () => {
  const target = fc.string({ unit: fc.constantFrom(..."/ab.%2eEfF?;\\&=:@"), maxLength: 24 });
  fc.assert(
    fc.property(target, fc.constantFrom("", "/", "/new", "/new/"), (rest, value) => {
      const { buf, head } = request(`POST /api/${rest} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n`);
      const rewriter = new PathRewriter({ kind: "prefix", value }, [prefix("/api")]);
      rewriter.rewrite(buf, head.pathStart, head.targetEnd);
      const out = Buffer.alloc(4096);
      const length = writeRequestHead(
        out,
        buf,
        head,
        {
          peer: new Peer("192.0.2.1", false, new TrustedProxies([])),
          pathPrefix: rewriter.prefix,
          pathStart: rewriter.restStart,
          pathEnd: head.targetEnd,
          host: null,
          fallbackHost: Buffer.alloc(0),
          edits: null,
          ids: Buffer.from("0".repeat(48)),
          keepRequestId: false,
          traceparent: null,
          keepTraceState: false,
          upgrade: false,
        },
        true,
      );
      const sent = request(out.toString("latin1", 0, length));
      expect([sent.head.headEnd, sent.head.contentLength, sent.head.targetForm]).toEqual([
        length,
        3,
        TargetForm.ORIGIN,
      ]);
      expect(sent.buf.toString("latin1", sent.head.hostStart, sent.head.hostEnd)).toBe("a");
    }),
  );
});

/** What servers are known to read a path as. */
const READERS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => unescaped(path),
  (path) => unescaped(unescaped(path)),
  (path) => unescaped(path).replaceAll("\\", "/"),
  (path) => path.replace(/;[^/]*/g, ""),
  (path) => unescaped(path.replace(/;[^/]*/g, "")),
  (path) => unescaped(path).replace(/\0[^/]*/g, ""),
  (path) => unescaped(path).replace(/\/+/g, "/"),
];

function unescaped(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

test("no spelling leads a server out of the new prefix", () => {
  const piece = fc.constantFrom("/", "a", "api", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", ";", ";x=1", "%00", "%252e", "%25", "//", "%61", "%3f", "%23", "%20", "?"); // biome-ignore format: -
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      const target = `/api/${pieces.join("")}`;
      const path = target.split("?")[0];
      if (!/^\/api(\/|$)/.test(normalPath(path))) return; // another route's
      const result = rewritten(target, "/new", prefix("/api"));
      if (result === "climbs") return;
      for (const read of READERS) expect(normalDots(read(result.split("?")[0]))).toMatch(/^\/new(?:[/;\0]|$)/);
    }),
    { numRuns: 3000 },
  );
});

function normalDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}

test("what climbs for a server that decodes badly, or twice", () => {
  for (const path of [
    "/%%32%65%%32%65/x",
    "/%25%32%65%25%32%65%25%32%66x",
    "/%e0%80%ae%e0%80%ae/x",
    "/..%e0%80%afx",
    "/..%f0%80%80%afx",
    "/..%c1%9cx",
    "/%c0%2e%c0%2e/x",
    "/%uff0e%UFF0E/x",
    "/..%uff0fx",
    "/..%01x",
    `/${"a".repeat(8192)}%20`,
  ]) {
    expect([path, mayClimb(path)]).toEqual([path, true]);
  }
});

test("what cannot climb is not taken for it", () => {
  for (const path of ["/%C0%20x", "/caf%C3%A9/%E0%B8%81", "/100%25", "/a%2541", "/...%2fx"])
    expect(mayClimb(path)).toBe(false);
  for (const path of ["/a..b/...", "/..a", "/a%2fb", "/a;b=..c", "/%2e", "/.%00"]) expect(mayClimb(path)).toBe(false);
});
