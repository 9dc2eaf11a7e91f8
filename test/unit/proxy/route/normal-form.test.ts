/** The normal form of paths (RFC 3986 section 6.2.2), and which paths need no second look. */
import { describe, expect, test } from "bun:test";
import { normalPath } from "../../../../src/proxy/path/normal-path.ts";
import { scanPath } from "../../../../src/proxy/path/path-class.ts";
import { Readings } from "../../../../src/proxy/route/readings.ts";
import { normalForm } from "./reference.ts";

const READINGS = new Readings(true);

function written(path: string): string {
  const bytes = Buffer.from(path, "latin1");
  READINGS.take(bytes, 0, bytes.length);
  return READINGS.path.toString("latin1", 0, READINGS.read(0));
}

const FORMS: readonly (readonly [path: string, normal: string])[] = [
  ["/", "/"],
  ["/a/b", "/a/b"],
  ["/%61%2D%2e%5f%7E", "/a-._~"],
  ["/%c3%bc", "/%C3%BC"],
  ["/a%2fb", "/a%2Fb"],
  ["/a%40b@c", "/a%40b@c"],
  ["/a%3bb;c", "/a%3Bb;c"],
  ["/a\\b%5c", "/a%5Cb%5C"],
  ['/a"b{c|d}', "/a%22b%7Bc%7Cd%7D"],
  ["/%zz%4%", "/%25zz%254%25"],
  ["/%%32%66", "/%252f"],
  ["/%252e", "/%252e"],
  // RFC 3986 section 5.2.4 and 5.4.2.
  ["/a/b/c/./../../g", "/a/g"],
  ["/b/c/../../../../g", "/g"],
  ["/b/c/.", "/b/c/"],
  ["/b/c/..", "/b/"],
  ["/..", "/"],
  ["/.", "/"],
  ["/./g", "/g"],
  ["/b/c/g.", "/b/c/g."],
  ["/b/c/.g/..g/g../...", "/b/c/.g/..g/g../..."],
  ["/b/%2e%2E/%2e/g", "/g"],
  ["/a//../b", "/a/b"],
  ["/a//b/", "/a//b/"],
  ["/a/..;/b", "/a/..;/b"],
];

describe("the normal form", () => {
  for (const [path, normal] of FORMS) {
    test(`of ${path} is ${normal}`, () => {
      expect(written(path)).toBe(normal);
      expect(normalForm(path)).toBe(normal);
      expect(normalPath(path)).toBe(normal);
      expect(written(normal)).toBe(normal);
    });
  }

  test("of a path in parts of a buffer is the same", () => {
    const bytes = Buffer.from("/../%/a/%2e%2e/b%41", "latin1");
    READINGS.take(bytes, 5, bytes.length - 1);
    expect(READINGS.path.toString("latin1", 0, READINGS.read(0))).toBe("/b%254");
  });
});

describe("a path is matched where it lies", () => {
  const settled = [
    "/",
    "/a/b.c/d",
    "/.well-known/x",
    "/a/...",
    "/..a",
    "/a%20b",
    "/%C3%BC",
    "/a:b@c!$&'()*+,=",
    "/a/b?x=//../%zz",
  ];
  for (const path of settled) {
    test(path, () => {
      const bytes = Buffer.from(path);
      const end = path.includes("?") ? path.indexOf("?") : path.length;
      expect(scanPath(bytes, 0, bytes.length)).toBe(end);
      expect(written(path.slice(0, end))).toBe(path.slice(0, end));
    });
  }

  const odd = [
    "//",
    "/./a",
    "/a/..",
    "/a/../?x",
    "/%c3",
    "/%61",
    "/%2F",
    "/%25",
    "/%",
    "/%4",
    "/%zz",
    "/a;b",
    "/\\",
    "/%00",
    "/{",
    "/%40",
  ];
  for (const path of odd) {
    test(`but not ${path}`, () => {
      const end = path.includes("?") ? path.indexOf("?") : path.length;
      expect(scanPath(Buffer.from(path), 0, path.length)).toBe(-1 - end);
    });
  }
});
