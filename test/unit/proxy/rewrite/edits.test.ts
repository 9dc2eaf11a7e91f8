/** Changes of heads: what they do, what they never touch, and that a changed head is still one. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { HeaderEdits } from "../../../../src/protocol/route.ts";
import { compileEdits, editedFields, fieldLines, HeadEdits } from "../../../../src/proxy/rewrite/edits.ts";
import { Peer, writeRequestHead } from "../../../../src/proxy/rewrite/request.ts";
import { ClientConnectionHeader, leavesUnchanged, writeResponseHead } from "../../../../src/proxy/rewrite/response.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";
import { FIXED_REQUEST_FIELDS, FIXED_RESPONSE_FIELDS, MAX_ADDED_BYTES } from "../../../../src/shared/fixed-fields.ts";
import { request, response } from "../support.ts";

const OUT = Buffer.alloc(300_000);
const PEER = new Peer("9.9.9.9", false, new TrustedProxies([]));

/** The head that a server gets. */
function forwarded(text: string, edits: HeadEdits | null): string {
  const { buf, head } = request(text);
  const how = {
    peer: PEER,
    pathPrefix: Buffer.alloc(0),
    pathStart: head.pathStart,
    pathEnd: head.targetEnd,
    host: null,
    fallbackHost: Buffer.from("fallback"),
    edits,
    ids: Buffer.from("a".repeat(48)),
    keepRequestId: false,
    traceparent: null,
    keepTraceState: false,
    upgrade: head.upgrade,
  };
  return OUT.toString("latin1", 0, writeRequestHead(OUT, buf, head, how, false));
}

/** The head that a client gets. */
function passed(text: string, edits: HeadEdits | null, connection: ClientConnectionHeader = 0): string {
  const { buf, head } = response(text);
  const date = Buffer.from("Date: now\r\n");
  return OUT.toString("latin1", 0, writeResponseHead(OUT, 0, buf, head, connection, false, date, edits));
}

function edits(given: Partial<HeaderEdits>, fixed: ReadonlySet<string> = FIXED_REQUEST_FIELDS): HeadEdits | null {
  return compileEdits({ remove: [], set: [], add: [], ...given }, fixed);
}

/** Its field lines, but for ours. */
function linesOf(head: string): string[] {
  return head
    .split("\r\n")
    .slice(1, -2)
    .filter((line) => !/^(x-forwarded-|forwarded|x-request-id|traceparent)/i.test(line));
}

describe("requests", () => {
  const HEAD = "GET / HTTP/1.1\r\nHost: a\r\nCookie: c\r\nX-User: me\r\nAccept: */*\r\nAuthorization: x\r\n\r\n";

  test("what is removed, set and added", () => {
    const how = edits({
      remove: ["cookie", "authorization"],
      set: [{ name: "X-User", value: "nobody" }],
      add: [{ name: "Accept", value: "text/html" }],
    });
    expect(linesOf(forwarded(HEAD, how))).toEqual(["Host: a", "Accept: */*", "X-User: nobody", "Accept: text/html"]);
  });

  test("letter case and underscores get nothing past", () => {
    const how = edits({ remove: ["X-User", "x_role"] });
    for (const name of ["x-user", "X_User", "X-USER", "x_USER", "X-Role", "x_role"]) {
      expect(linesOf(forwarded(`GET / HTTP/1.1\r\nHost: a\r\n${name}: admin\r\n\r\n`, how))).toEqual(["Host: a"]);
    }
    for (const name of ["x-user2", "xx-user", "x~user", "x-use"]) {
      expect(linesOf(forwarded(`GET / HTTP/1.1\r\nHost: a\r\n${name}: 1\r\n\r\n`, how))).toHaveLength(2);
    }
  });

  test("what Connection lists is removed from the client's fields, not from ours", () => {
    const how = edits({ add: [{ name: "X-User", value: "ours" }] });
    const head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-user\r\nX-User: theirs\r\n\r\n";
    expect(linesOf(forwarded(head, how))).toEqual(["Host: a", "X-User: ours"]);
  });

  test("what a proxy in front of us says can be taken away, one field by its own name alone", () => {
    const peer = "GET / HTTP/1.1\r\nHost: a\r\nX-Original-URL: /x\r\n\r\n";
    expect(linesOf(forwarded(peer, edits({ set: [{ name: "X-Original-URL", value: "/y" }] })))).toEqual([
      "Host: a",
      "X-Original-URL: /y",
    ]);
    const how = edits({ remove: ["x-original-url"] });
    expect([how?.dropped, how?.names.length]).toEqual([0, 1]);
  });
});

describe("responses", () => {
  const HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: s\r\nX-A: 1\r\nx-a: 2\r\n\r\n";

  test("what is removed, set and added comes before the fate of the connection", () => {
    const how = edits(
      { remove: ["server"], set: [{ name: "X-A", value: "3" }], add: [{ name: "X-B", value: "" }] },
      FIXED_RESPONSE_FIELDS,
    );
    expect(passed(HEAD, how, ClientConnectionHeader.CLOSE)).toBe(
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 3\r\nX-B: \r\nDate: now\r\nConnection: close\r\n\r\n",
    );
  });

  test("lines that end in a line feed alone are changed, too", () => {
    const how = edits({ remove: ["x-a"] }, FIXED_RESPONSE_FIELDS);
    expect(passed("HTTP/1.1 200 OK\nX-A: 1\nX-B: 2\nContent-Length: 0\n\n", how)).toBe(
      "HTTP/1.1 200 OK\r\nX-B: 2\r\nContent-Length: 0\r\nDate: now\r\n\r\n",
    );
  });

  test("only without changes a head leaves as it came", () => {
    const { head } = response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: x\r\n\r\n");
    expect(leavesUnchanged(head, ClientConnectionHeader.NONE, false, null)).toBe(true);
    expect(leavesUnchanged(head, ClientConnectionHeader.NONE, false, HeadEdits.add(null, Buffer.alloc(0)))).toBe(false);
  });
});

describe("working them out", () => {
  test("nothing to change is null", () => {
    expect(compileEdits(null, FIXED_REQUEST_FIELDS)).toBeNull();
    expect(edits({})).toBeNull();
  });

  test("fixed fields are left alone, in every spelling", () => {
    for (const [fixed, name] of [
      ...[...FIXED_REQUEST_FIELDS].map((each) => [FIXED_REQUEST_FIELDS, each] as const),
      ...[...FIXED_RESPONSE_FIELDS].map((each) => [FIXED_RESPONSE_FIELDS, each] as const),
    ]) {
      for (const spelling of [name, name.toUpperCase(), name.replaceAll("-", "_")]) {
        const field = { name: spelling, value: "x" };
        expect([spelling, edits({ remove: [spelling], set: [field], add: [field] }, fixed)]).toEqual([spelling, null]);
      }
    }
  });

  test.each([
    ["X", "a\r\nY: b"],
    ["X", "a\nb"],
    ["X", "a\0b"],
    ["X", "\u010d\u010a"],
    ["X\r\nY", "b"],
    ["X Y", "b"],
    ["", "b"],
    ["X:", "b"],
  ])("%j: %j is no line", (name, value) => {
    expect(() => edits({ add: [{ name, value }] })).toThrow("is no field line");
    expect(() => fieldLines([{ name, value }])).toThrow("is no field line");
  });

  test("more than a head has room for is refused", () => {
    const long = { name: "X", value: "a".repeat(MAX_ADDED_BYTES) };
    expect(() => edits({ add: [long] })).toThrow(`the most is ${MAX_ADDED_BYTES}`);
  });

  test("changes are joined in order", () => {
    const first = edits({ remove: ["a"], add: [{ name: "B", value: "1" }, { name: "C", value: "1" }] }); // biome-ignore format: -
    const second = edits({ set: [{ name: "b", value: "2" }] });
    const joined = HeadEdits.join(first, second);
    expect(joined?.lines.toString()).toBe("C: 1\r\nb: 2\r\n");
    expect(linesOf(forwarded("GET / HTTP/1.1\r\nHost: a\r\nA: 0\r\nB: 0\r\nC: 0\r\n\r\n", joined))).toEqual([
      "Host: a",
      "C: 0",
      "C: 1",
      "b: 2",
    ]);
    expect([HeadEdits.join(first, null), HeadEdits.join(null, first), HeadEdits.join(null, null)]).toEqual([
      first,
      first,
      null,
    ]);
  });

  test("responses of our own are changed as others are", () => {
    const how = edits({ remove: ["cache-control"], set: [{ name: "X", value: " 1 " }] }, FIXED_RESPONSE_FIELDS);
    expect(editedFields([["Cache-Control", "no-store"], ["x", "0"], ["Y", "2"]], how)).toEqual([["Y", "2"], ["X", "1"]]); // biome-ignore format: -
    expect(editedFields([["Y", "2"]], null)).toEqual([["Y", "2"]]);
  });
});

describe("a changed head", () => {
  const names = fc.constantFrom("A", "b", "X-User", "x_user", "Cookie", "Accept", "Content-Length", "Host", "Connection", "Upgrade", "TE", "Transfer-Encoding", "X-Forwarded-For", "Via", "Date"); // biome-ignore format: -
  const values = fc.string({ unit: fc.constantFrom(...'ab :,;=\t"\u00e9'), maxLength: 12 });
  const field = fc.record({ name: names, value: values });
  const someEdits = fc.record({
    remove: fc.array(names, { maxLength: 4 }),
    set: fc.array(field, { maxLength: 4 }),
    add: fc.array(field, { maxLength: 4 }),
  });
  const lines = fc.array(
    fc.constantFrom(
      "A: 1",
      "B: 2",
      "X-User: me",
      "X_User: me",
      "Cookie: c",
      "Connection: b, keep-alive",
      "TE: trailers",
    ),
    { maxLength: 8 },
  );

  test("is a request of the same length, for the same host", () => {
    fc.assert(
      fc.property(
        lines,
        someEdits,
        fc.constantFrom("", "Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n"),
        (some, how, framing) => {
          // biome-ignore format: -
          const text = `POST /x HTTP/1.1\r\nHost: a\r\n${framing}${some.map((line) => `${line}\r\n`).join("")}\r\n`;
          const before = request(text).head;
          const { buf, head } = request(forwarded(text, compileEdits(how, FIXED_REQUEST_FIELDS)));
          expect([head.contentLength, head.chunked, head.headEnd]).toEqual([
            before.contentLength,
            before.chunked,
            buf.length,
          ]);
          expect(buf.toString("latin1", head.hostStart, head.hostEnd)).toBe("a");
        },
      ),
    );
  });

  test("is a response of the same length, on the same connection", () => {
    fc.assert(
      fc.property(
        lines,
        someEdits,
        fc.constantFrom("", "Content-Length: 7\r\n", "Transfer-Encoding: chunked\r\n"),
        (some, how, framing) => {
          // biome-ignore format: -
          const text = `HTTP/1.1 200 OK\r\n${framing}${some.map((line) => `${line}\r\n`).join("")}\r\n`;
          const before = response(text).head;
          const { buf, head } = response(passed(text, compileEdits(how, FIXED_RESPONSE_FIELDS)));
          expect([head.contentLength, head.chunked, head.bodyKind, head.headEnd]).toEqual([
            before.contentLength,
            before.chunked,
            before.bodyKind,
            buf.length,
          ]);
          expect(head.seen & (1 << 4)).toBe(0);
        },
      ),
    );
  });
});
