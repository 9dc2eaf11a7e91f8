/** What clients are told of failures: pages where they take them, JSON otherwise. */
import { describe, expect, test } from "bun:test";
import { Failures } from "../../../../src/proxy/failure.ts";
import { isPreferred, preferenceFor } from "../../../../src/proxy/local/accept.ts";
import { ErrorPages } from "../../../../src/proxy/local/error-pages.ts";
import { errorResponse } from "../../../../src/proxy/local/errors.ts";
import { fieldsOf, sentBody, sentBodyBytes } from "../../../../src/proxy/local/response.ts";
import { Method } from "../../../../src/shared/memory/series-table.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const HTML = {
  contentType: "text/html; charset=utf-8",
  template: "<h1>{{status}} {{reason}}</h1>{{message}} {{other}}",
};
const ID = "0123456789abcdef";

function pages(...list: ConstructorParameters<typeof ErrorPages>[0]): ErrorPages {
  return new ErrorPages(list, (status) => `reason of ${status}`);
}

describe("a page", () => {
  test("is filled in, and the fields of the error stay", () => {
    const response = errorResponse(Failures.NO_SERVER, ID, pages({ statuses: [500, 599], ...HTML }), BROWSER);
    expect(response).toMatchObject({
      status: 503,
      type: "text/html; charset=utf-8",
      body: `<h1>503 reason of 503</h1>${Failures.NO_SERVER.message} {{other}}`,
    });
    expect(response.fields.map(([name]) => name)).toEqual(["Proxy-Status", "X-Request-Id", "Retry-After"]);
  });

  test("is chosen by status, the first that fits", () => {
    const both = pages(
      { statuses: [503, 503], contentType: "text/html", template: "one" },
      { statuses: [500, 599], contentType: "text/html", template: "all" },
    );
    expect(errorResponse(Failures.NO_SERVER, ID, both, "*/*").body).toBe("one");
    expect(errorResponse(Failures.BAD_RESPONSE, ID, both, null).body).toBe("all");
    expect(errorResponse(Failures.NO_ROUTE, ID, both, null).type).toBe("application/json");
  });

  test.each([
    [null, true],
    ["", true],
    ["*/*", true],
    ["text/*", true],
    [BROWSER, true],
    ["text/html;q=0", false],
    ["application/json", false],
    ["application/json, text/plain, */*", false],
    ["application/json;q=0.5, text/html", true],
    ["image/avif,image/webp", false],
    ["TEXT/HTML ; Q=0.3", true],
  ])("of HTML for who says Accept: %j: %s", (accept, expected) => {
    const { type } = errorResponse(Failures.NO_SERVER, ID, pages({ statuses: [500, 599], ...HTML }), accept);
    expect(type.startsWith("text/html")).toBe(expected);
  });

  test("the first type that is taken", () => {
    const both = pages(
      { statuses: [400, 599], contentType: "text/html", template: "page" },
      { statuses: [400, 599], contentType: "text/plain", template: "words" },
    );
    expect(errorResponse(Failures.NO_SERVER, ID, both, "text/plain").body).toBe("words");
  });

  test("cannot be broken out of by what is filled in", () => {
    const id = `a<b>&"'c\\`;
    const filled = (contentType: string) =>
      errorResponse(
        Failures.NO_SERVER,
        id,
        pages({ statuses: [1, 999], contentType, template: "{{request_id}}" }),
        null,
      ).body;
    expect(filled("text/html")).toBe("a&#60;b&#62;&#38;&#34;&#39;c\\");
    expect(filled("application/xhtml+xml")).toBe("a&#60;b&#62;&#38;&#34;&#39;c\\");
    expect(filled("application/problem+json")).toBe(`a<b>&\\"'c\\\\`);
    expect(filled("text/plain")).toBe(id);
  });
});

test("what is in both wishes is weighed by how exactly it is said", () => {
  expect(preferenceFor("*/*, text/*;q=0.5, text/html;q=0.1", "text/html")).toEqual({ quality: 0.1, exactness: 2 });
  expect(preferenceFor("text/html;q=abc", "text/html").quality).toBe(0);
  expect(isPreferred({ quality: 0, exactness: 2 }, { quality: 0, exactness: 0 })).toBe(false);
});

describe("a response of our own", () => {
  test("with a status that has no body says nothing of one", () => {
    for (const status of [204, 304]) {
      const response = { status, type: "text/plain", body: "x", fields: [], storable: true };
      expect(fieldsOf(response, null)).toEqual([]);
      expect([sentBody(response, Method.GET), sentBodyBytes(response, Method.GET)]).toEqual(["", 0]);
    }
  });

  test("to HEAD says how long its body is, and has none", () => {
    const response = { status: 200, type: "text/plain", body: "\u00e9", fields: [] };
    expect(fieldsOf(response, null)).toContainEqual(["Content-Length", "2"]);
    expect(sentBodyBytes(response, Method.HEAD)).toBe(0);
  });
});
