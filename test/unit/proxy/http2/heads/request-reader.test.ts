/** Requests of HTTP/2 as heads of HTTP/1.1: what becomes of them, and what is refused. */
import { describe, expect, test } from "bun:test";
import { blockOf, type Field, GET, head, Requests, request } from "./support.ts";

/** The usual request with some fields instead of its own, and others behind them; `null` = without it. */
function changed(pseudo: Record<string, string | null>, ...more: Field[]): Field[] {
  const fields = new Map<string, string | null>([...GET, ...Object.entries(pseudo)]);
  return [...[...fields].filter((field): field is [string, string] => field[1] !== null), ...more];
}

describe("becomes a head of HTTP/1.1", () => {
  test.each<[string, Field[], boolean, string]>([
    ["with nothing else", changed({}), true, head("GET / HTTP/1.1", "host: a.example")],
    [
      "with its fields in order",
      changed({ ":path": "/x?y=%20", ":method": "DELETE" }, ["b", "2"], ["a", ""], ["b", "3 \t4"]),
      true,
      head("DELETE /x?y=%20 HTTP/1.1", "host: a.example", "b: 2", "a: ", "b: 3 \t4"),
    ],
    [
      "pseudo-fields in any order",
      [
        [":path", "/"],
        [":authority", "b"],
        [":method", "GET"],
        [":scheme", "http"],
        ["a", "b"],
      ],
      true,
      head("GET / HTTP/1.1", "host: b", "a: b"),
    ],
    [
      "a body of known length",
      changed({ ":method": "POST" }, ["content-length", "5"]),
      false,
      head("POST / HTTP/1.1", "host: a.example", "content-length: 5"),
    ],
    [
      "a body of unknown length",
      changed({ ":method": "POST" }),
      false,
      head("POST / HTTP/1.1", "host: a.example", "transfer-encoding: chunked"),
    ],
    [
      "no body where others have one",
      changed({ ":method": "POST" }),
      true,
      head("POST / HTTP/1.1", "host: a.example", "content-length: 0"),
    ],
    ["a method that nobody knows", changed({ ":method": "QUERY" }), true, head("QUERY / HTTP/1.1", "host: a.example")],
    [
      "pieces of a cookie",
      changed({}, ["cookie", "a=b"], ["x", "y"], ["cookie", ""], ["cookie", "c=d; e=f"]),
      true,
      head("GET / HTTP/1.1", "host: a.example", "x: y", "cookie: a=b; c=d; e=f"),
    ],
    [
      "Host without :authority",
      changed({ ":authority": null }, ["host", "b.example"]),
      true,
      head("GET / HTTP/1.1", "host: b.example"),
    ],
    ["Host like :authority", changed({}, ["host", "A.Example"]), true, head("GET / HTTP/1.1", "host: a.example")],
    [
      "the server as a whole",
      changed({ ":method": "OPTIONS", ":path": "*" }),
      true,
      head("OPTIONS * HTTP/1.1", "host: a.example"),
    ],
    [
      "trailers are welcome",
      changed({}, ["te", "trailers"]),
      true,
      head("GET / HTTP/1.1", "host: a.example", "te: trailers"),
    ],
    [
      "bytes beyond ASCII in a value",
      changed({}, ["a", "\xe9\xff"]),
      true,
      head("GET / HTTP/1.1", "host: a.example", "a: \xe9\xff"),
    ],
    [
      "CONNECT, which is refused by its method",
      [
        [":method", "CONNECT"],
        [":authority", "b:443"],
      ],
      true,
      head("CONNECT b:443 HTTP/1.1", "host: b:443"),
    ],
  ])("%s", (_, fields, endStream, expected) => {
    expect(request(fields, { endStream })).toBe(expected);
  });

  const tunnel = changed(
    { ":method": "CONNECT", ":protocol": "websocket", ":path": "/chat" },
    ["sec-websocket-version", "13"],
    ["sec-websocket-key", "theirs"],
  );

  test("an extended CONNECT is a request to switch protocols", () => {
    for (const endStream of [false, true]) {
      expect(request(tunnel, { key: "ours", endStream })).toBe(
        head(
          "GET /chat HTTP/1.1",
          "host: a.example",
          "connection: upgrade",
          "upgrade: websocket",
          "sec-websocket-key: ours",
          "sec-websocket-version: 13",
        ),
      );
    }
    expect(request(changed({ ":method": "CONNECT", ":protocol": "connect-udp" }), { key: "ours" })).toBe(
      head("GET / HTTP/1.1", "host: a.example", "connection: upgrade", "upgrade: connect-udp"),
    );
  });

  test("an extended CONNECT where it is not offered, or with a body, is none", () => {
    expect(request(tunnel)).toBe("UNEXPECTED_PSEUDO_FIELD");
    expect(request([...tunnel, ["content-length", "1"]], { key: "ours" })).toBe("INVALID_CONTENT_LENGTH");
  });
});

describe("refused", () => {
  test.each<[string, Field[], string]>([
    ["an upper-case name", changed({}, ["A", "b"]), "UPPER_CASE_NAME"],
    ["an empty name", changed({}, ["", "b"]), "EMPTY_FIELD_NAME"],
    ["a name with a space", changed({}, ["a b", "c"]), "INVALID_FIELD_NAME"],
    ["a name with a colon", changed({}, ["a:b", "c"]), "INVALID_FIELD_NAME"],
    ["a name with a line end", changed({}, ["a: b\r\nc", "d"]), "INVALID_FIELD_NAME"],
    ["a name beyond ASCII", changed({}, ["\xe9", "c"]), "INVALID_FIELD_NAME"],
    ["a line end in a value", changed({}, ["a", "b\r\nc: d"]), "INVALID_FIELD_VALUE"],
    ["a line feed in a value", changed({}, ["a", "b\nc"]), "INVALID_FIELD_VALUE"],
    ["a carriage return in a value", changed({}, ["a", "b\rc"]), "INVALID_FIELD_VALUE"],
    ["NUL in a value", changed({}, ["a", "b\0"]), "INVALID_FIELD_VALUE"],
    ["a control character in a value", changed({}, ["a", "\x1b"]), "INVALID_FIELD_VALUE"],
    ["a control character in a cookie", changed({}, ["cookie", "\x7f"]), "INVALID_FIELD_VALUE"],
    ["a value that begins with a space", changed({}, ["a", " b"]), "SPACE_AROUND_VALUE"],
    ["a value that ends with a tab", changed({}, ["a", "b\t"]), "SPACE_AROUND_VALUE"],
    ["a value of a space", changed({}, ["a", " "]), "SPACE_AROUND_VALUE"],
    ["Connection", changed({}, ["connection", "close"]), "CONNECTION_FIELD"],
    ["Keep-Alive", changed({}, ["keep-alive", "timeout=5"]), "CONNECTION_FIELD"],
    ["Proxy-Connection", changed({}, ["proxy-connection", "close"]), "CONNECTION_FIELD"],
    ["Transfer-Encoding", changed({}, ["transfer-encoding", "chunked"]), "CONNECTION_FIELD"],
    ["Upgrade", changed({}, ["upgrade", "websocket"]), "CONNECTION_FIELD"],
    ["TE other than trailers", changed({}, ["te", "gzip"]), "INVALID_TE"],
    ["TE of more than trailers", changed({}, ["te", "trailers, gzip"]), "INVALID_TE"],
    ["an unknown pseudo-field", changed({ ":other": "a" }), "UNKNOWN_PSEUDO_FIELD"],
    ["a pseudo-field of responses", changed({ ":status": "200" }), "UNKNOWN_PSEUDO_FIELD"],
    ["a pseudo-field in upper case", changed({ ":Path": "/" }), "UNKNOWN_PSEUDO_FIELD"],
    ["a late pseudo-field", [...changed({ ":path": null }, ["a", "b"]), [":path", "/"]], "LATE_PSEUDO_FIELD"],
    [
      "a pseudo-field behind Cookie",
      [...changed({ ":path": null }, ["cookie", "b"]), [":path", "/"]],
      "LATE_PSEUDO_FIELD",
    ],
    ["a doubled :method", [...GET, [":method", "GET"]], "DUPLICATE_PSEUDO_FIELD"],
    ["a doubled :path", [...GET, [":path", "/"]], "DUPLICATE_PSEUDO_FIELD"],
    ["a doubled :authority", [...GET, [":authority", "a.example"]], "DUPLICATE_PSEUDO_FIELD"],
    ["no :method", changed({ ":method": null }), "MISSING_PSEUDO_FIELD"],
    ["no :scheme", changed({ ":scheme": null }), "MISSING_PSEUDO_FIELD"],
    ["no :path", changed({ ":path": null }), "MISSING_PSEUDO_FIELD"],
    ["nothing at all", [], "MISSING_PSEUDO_FIELD"],
    ["neither :authority nor Host", changed({ ":authority": null }), "MISSING_HOST"],
    ["two Hosts", changed({}, ["host", "a.example"], ["host", "a.example"]), "DUPLICATE_HOST"],
    ["Host unlike :authority", changed({}, ["host", "b.example"]), "HOST_UNLIKE_AUTHORITY"],
    ["Host like the beginning of :authority", changed({}, ["host", "a.exampl"]), "HOST_UNLIKE_AUTHORITY"],
    ["Host unlike an empty :authority", changed({ ":authority": "" }, ["host", "b.example"]), "HOST_UNLIKE_AUTHORITY"],
    ["a line end in :authority", changed({ ":authority": "a\r\nb: c" }), "INVALID_FIELD_VALUE"],
    ["an empty method", changed({ ":method": "" }), "INVALID_METHOD"],
    ["a method that is no token", changed({ ":method": "GET /admin" }), "INVALID_METHOD"],
    ["a line end in a method", changed({ ":method": "GET\r\n" }), "INVALID_METHOD"],
    ["an empty path", changed({ ":path": "" }), "INVALID_TARGET"],
    ["a path without a slash", changed({ ":path": "a" }), "INVALID_TARGET"],
    ["a path in absolute form", changed({ ":path": "http://b.example/" }), "INVALID_TARGET"],
    ["a path with a space", changed({ ":path": "/ HTTP/1.1" }), "INVALID_TARGET"],
    ["a path with a line end", changed({ ":path": "/ HTTP/1.1\r\nx: y" }), "INVALID_TARGET"],
    ["a path beyond ASCII", changed({ ":path": "/\xe9" }), "INVALID_TARGET"],
    ["a path with a fragment", changed({ ":path": "/a#b" }), "TARGET_FRAGMENT"],
    ["an asterisk with more behind it", changed({ ":path": "*a" }), "INVALID_TARGET"],
    ["a scheme that is not HTTP's", changed({ ":scheme": "ftp" }), "TARGET_SCHEME"],
    ["an empty scheme", changed({ ":scheme": "" }), "TARGET_SCHEME"],
    ["CONNECT with a path", changed({ ":method": "CONNECT", ":scheme": null }), "UNEXPECTED_PSEUDO_FIELD"],
    ["CONNECT with a scheme", changed({ ":method": "CONNECT", ":path": null }), "UNEXPECTED_PSEUDO_FIELD"],
    [
      "CONNECT without :authority",
      [
        [":method", "CONNECT"],
        ["host", "b"],
      ],
      "MISSING_PSEUDO_FIELD",
    ],
    [":protocol without CONNECT", changed({ ":protocol": "websocket" }), "UNEXPECTED_PSEUDO_FIELD"],
    ["a :protocol that is no token", changed({ ":method": "CONNECT", ":protocol": "a b" }), "INVALID_PROTOCOL"],
    ["an empty :protocol", changed({ ":method": "CONNECT", ":protocol": "" }), "INVALID_PROTOCOL"],
    [
      "an extended CONNECT without a path",
      changed({ ":method": "CONNECT", ":protocol": "a", ":path": null }),
      "MISSING_PSEUDO_FIELD",
    ],
  ])("%s", (_, fields, name) => {
    expect(request(fields, { key: "ours" })).toBe(name);
    // And when a table has had it once, with a mark.
    const connection = new Requests();
    expect(connection.read(blockOf(fields, true), { key: "ours" })).toBe(name);
    const indices = Buffer.from(fields.map((_field, index) => 0x80 | (61 + fields.length - index)));
    expect(connection.read(indices, { key: "ours" })).toBe(name);
    expect(connection.read(blockOf(GET))).toBe(head("GET / HTTP/1.1", "host: a.example"));
  });

  test("a name of a field with a wrong value may have a right one", () => {
    const connection = new Requests();
    expect(connection.read(blockOf(changed({}, ["a", " b"]), true))).toBe("SPACE_AROUND_VALUE");
    const literal = Buffer.from([0x7e, 1, 0x62]); // the name of the newest entry
    const block = Buffer.concat([blockOf(GET), literal]);
    expect(connection.read(block)).toBe(head("GET / HTTP/1.1", "host: a.example", "a: b"));
  });
});

describe("size", () => {
  const fields = changed({}, ["a", "b".repeat(100)]);

  test("a head may be as large as it is allowed to be", () => {
    const bytes = fields.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    expect(request(fields, { maxBytes: bytes })).toBe(
      head("GET / HTTP/1.1", "host: a.example", `a: ${"b".repeat(100)}`),
    );
    expect(request(fields, { maxBytes: bytes - 1 })).toBe("HEAD_TOO_LARGE");
  });

  test("what is too large is read to its end, so that the table is right for the next", () => {
    const connection = new Requests();
    const entry = blockOf([["a", "b".repeat(3000)]], true);
    const bomb = Buffer.concat([blockOf(GET, true), entry, Buffer.alloc(20_000, 0xbe), blockOf([["c", "d"]], true)]);
    expect(connection.read(bomb)).toBe("HEAD_TOO_LARGE");
    expect(connection.reader.line.length).toBeLessThan(200_000);
    // c: d, and the pseudo-fields behind it and the large one.
    const indices = Buffer.from([0xc3, 0xc2, 0xc1, 0xc0, 0xbe]);
    expect(connection.read(indices)).toBe(head("GET / HTTP/1.1", "host: a.example", "c: d"));
  });

  test("literals without end are no heap of memory", () => {
    const connection = new Requests();
    connection.read(Buffer.concat([blockOf(GET), blockOf([["a".repeat(4000), ""]], true)]));
    const literals = Buffer.concat(Array.from({ length: 30_000 }, () => Buffer.from([0x0f, 0x2f, 0])));
    expect(connection.read(Buffer.concat([blockOf(GET), literals]))).toBe("HEAD_TOO_LARGE");
    expect(connection.reader.line.length).toBeLessThan(200_000);
  });
});

test("neighbours in a table are copied in their order, with others between them", () => {
  const connection = new Requests();
  const fields = changed({}, ["a", "1"], ["b", "2"], ["cookie", "k=v"], ["c", "3"], ["accept", "*/*"]);
  const expected = head("GET / HTTP/1.1", "host: a.example", "a: 1", "b: 2", "c: 3", "accept: */*", "cookie: k=v");
  expect(connection.read(blockOf(fields, true))).toBe(expected);
  const all = fields.map((_, index) => 0x80 | (61 + fields.length - index));
  for (let i = 0; i < 3; i++) expect(connection.read(Buffer.from(all))).toBe(expected);
  // Backwards, doubled, and with a literal and an entry of the static table between them.
  const [a, b] = [all[4], all[5]];
  const block = Buffer.concat([
    Buffer.from([...all.slice(0, 4), b, a, a, 0x90]),
    blockOf([["x", "y"]]),
    Buffer.from([b]),
  ]);
  expect(connection.read(block)).toBe(
    head("GET / HTTP/1.1", "host: a.example", "b: 2", "a: 1", "a: 1", "accept-encoding: gzip, deflate", "x: y", "b: 2"),
  );
});
