/** Responses of HTTP/2 as heads of HTTP/1.1. */
import { describe, expect, test } from "bun:test";
import { type Field, head, type ResponseOptions, response } from "./support.ts";

const OK: Field = [":status", "200"];

describe("becomes a head of HTTP/1.1", () => {
  test.each<[string, Field[], ResponseOptions, string]>([
    ["whose body has no length", [OK, ["a", "b"]], {}, head("HTTP/1.1 200 ", "a: b")],
    ["whose body has one", [OK, ["content-length", "5"]], {}, head("HTTP/1.1 200 ", "content-length: 5")],
    ["without a body", [OK, ["a", "b"]], { endStream: true }, head("HTTP/1.1 200 ", "a: b", "content-length: 0")],
    [
      "without a body, and it says so",
      [OK, ["content-length", "0"]],
      { endStream: true },
      head("HTTP/1.1 200 ", "content-length: 0"),
    ],
    [
      "to HEAD",
      [OK, ["content-length", "5"]],
      { endStream: true, hasBody: false },
      head("HTTP/1.1 200 ", "content-length: 5"),
    ],
    ["to HEAD, of no length", [OK], { endStream: true, hasBody: false }, head("HTTP/1.1 200 ")],
    ["that has no body by its status", [[":status", "204"]], { endStream: true }, head("HTTP/1.1 204 ")],
    ["that is not modified", [[":status", "304"]], { endStream: true }, head("HTTP/1.1 304 ")],
    [
      "that is interim",
      [
        [":status", "103"],
        ["link", "</a>"],
      ],
      {},
      head("HTTP/1.1 103 ", "link: </a>"),
    ],
    ["with a status that nobody knows", [[":status", "999"]], {}, head("HTTP/1.1 999 ")],
    ["as servers write them", [OK, ["a", " \x01b "]], {}, head("HTTP/1.1 200 ", "a:  \x01b ")],
    [
      "cookies each in a line",
      [OK, ["set-cookie", "a"], ["set-cookie", "b"]],
      {},
      head("HTTP/1.1 200 ", "set-cookie: a", "set-cookie: b"),
    ],
  ])("%s", (_, fields, options, expected) => {
    expect(response(fields, options)).toBe(expected);
  });

  test("the tunnel that was asked for is a switch of protocols, and anything else is what it is", () => {
    const switchLines = "connection: upgrade\r\nupgrade: websocket\r\n";
    expect(response([OK, ["a", "b"]], { switchLines })).toBe(
      head("HTTP/1.1 101 Switching Protocols", "connection: upgrade", "upgrade: websocket", "a: b"),
    );
    expect(response([[":status", "403"]], { switchLines, endStream: true })).toBe(
      head("HTTP/1.1 403 ", "content-length: 0"),
    );
  });
});

describe("refused", () => {
  test.each<[string, Field[], string]>([
    ["no status", [["a", "b"]], "MISSING_PSEUDO_FIELD"],
    ["two statuses", [OK, OK], "DUPLICATE_PSEUDO_FIELD"],
    ["a late status", [["a", "b"], OK], "LATE_PSEUDO_FIELD"],
    ["a pseudo-field of requests", [OK, [":path", "/"]], "UNKNOWN_PSEUDO_FIELD"],
    ["101", [[":status", "101"]], "INVALID_STATUS"],
    ["a status of two digits", [[":status", "20"]], "INVALID_STATUS"],
    ["a status of four digits", [[":status", "2000"]], "INVALID_STATUS"],
    ["a status below 100", [[":status", "099"]], "INVALID_STATUS"],
    ["a status that is no number", [[":status", "2x0"]], "INVALID_STATUS"],
    ["a status with a line end", [[":status", "2\r\n"]], "INVALID_STATUS"],
    ["a line end in a value", [OK, ["a", "b\r\nc: d"]], "INVALID_FIELD_VALUE"],
    ["a line feed in a value", [OK, ["a", "b\nc: d"]], "INVALID_FIELD_VALUE"],
    ["NUL in a value", [OK, ["a", "\0"]], "INVALID_FIELD_VALUE"],
    ["an upper-case name", [OK, ["A", "b"]], "UPPER_CASE_NAME"],
    ["a name with a line end", [OK, ["a\r\nb", "c"]], "INVALID_FIELD_NAME"],
    ["Connection", [OK, ["connection", "close"]], "CONNECTION_FIELD"],
    ["Transfer-Encoding", [OK, ["transfer-encoding", "chunked"]], "CONNECTION_FIELD"],
  ])("%s", (_, fields, name) => {
    expect(response(fields)).toBe(name);
  });

  test("an interim response that is the last", () => {
    expect(response([[":status", "103"]], { endStream: true })).toBe("LENGTH_UNLIKE_BODY");
  });
});
