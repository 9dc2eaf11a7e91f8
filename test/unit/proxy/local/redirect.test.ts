/** Where clients are sent to. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { RedirectAction } from "../../../../src/protocol/route.ts";
import { HttpsRedirect, isAcmeChallenge, Redirect } from "../../../../src/proxy/local/redirect.ts";
import type { LocalResponse } from "../../../../src/proxy/local/response.ts";
import { request } from "../support.ts";

const SAME: RedirectAction = { kind: "redirect", status: 302, scheme: null, host: null, port: null, path: null };

function parsed(target: string, host: string | null, method = "GET") {
  const { buf, head } = request(
    host === null ? `${method} ${target} HTTP/1.0\r\n\r\n` : `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  );
  return {
    asked: { method: head.method, headBuffer: buf, pathStart: head.pathStart, pathEnd: head.targetEnd },
    head,
  };
}

function location(response: LocalResponse | null): string | undefined {
  return response?.fields.find(([name]) => name === "Location")?.[1];
}

function redirected(
  action: Partial<RedirectAction>,
  target: string,
  host: string | null = "a.example",
  secure = false,
) {
  const redirect = new Redirect({ ...SAME, ...action }, [{ kind: "prefix", value: "/old" }]);
  const { asked, head } = parsed(target, host);
  return location(redirect.response(asked, head, secure));
}

describe("a route's redirect", () => {
  const REPLACED = { kind: "prefix", value: "/new" } as const;
  test.each<[Partial<RedirectAction>, string, string, boolean, string]>([
    [{ host: "b.example" }, "/x?y", "a.example:8080", false, "http://b.example/x?y"],
    [{ host: "b.example" }, "/x", "a.example:8443", true, "https://b.example/x"],
    [{ scheme: "https" }, "/x", "a.example:8080", false, "https://a.example/x"],
    [{ scheme: "https", port: 8443 }, "/x", "a.example", false, "https://a.example:8443/x"],
    [{ scheme: "https", port: 443 }, "/x", "a.example", false, "https://a.example/x"],
    [{ scheme: "http", port: 443 }, "/x", "a.example", true, "http://a.example:443/x"],
    [{ port: 81 }, "/x", "a.example:80", false, "http://a.example:81/x"],
    [{ path: { kind: "full", value: "/y" } }, "/x?q", "a.example:8080", false, "http://a.example:8080/y?q"],
    [{ path: { kind: "full", value: "/y" } }, "/x", "a.example:80", false, "http://a.example/y"],
    [{ path: REPLACED }, "/old/x?q", "a.example", false, "http://a.example/new/x?q"],
    [{ path: REPLACED }, "/%6fld/x", "a.example", true, "https://a.example/new/x"],
    [{ path: { kind: "prefix", value: "" } }, "/old", "a.example", false, "http://a.example/"],
    [{ path: { kind: "prefix", value: "" } }, "/old?q", "a.example", false, "http://a.example/?q"],
    [{ scheme: "https" }, "/x", "[::1]:8080", false, "https://[::1]/x"],
    [{ scheme: "https" }, "/x", "[::1]", false, "https://[::1]/x"],
    [{ scheme: "https" }, "/x", "a.example:", false, "https://a.example/x"],
    [{ scheme: "https" }, "http://b.example:81/x", "a.example", false, "https://b.example/x"],
    [{ scheme: "https" }, "http://b.example?q", "a.example", false, "https://b.example/?q"],
    [{ scheme: "https" }, "//evil.example/x", "a.example", false, "https://a.example//evil.example/x"],
    [{ scheme: "https" }, "/%0d%0aX:y", "a.example", false, "https://a.example/%0d%0aX:y"],
  ])("%j of %s at %s (by https: %s): %s", (action, target, host, secure, expected) => {
    expect(redirected(action, target, host, secure)).toBe(expected);
  });

  test("without any host there is no address", () => {
    expect(redirected({ scheme: "https" }, "/x", null)).toBeUndefined();
    expect(redirected({ host: "b.example" }, "/x", null)).toBe("http://b.example/x");
  });

  test("has its status, no body, and may be kept", () => {
    const { asked, head } = parsed("/x", "a.example");
    const response = new Redirect({ ...SAME, status: 308, scheme: "https" }, []).response(asked, head, false);
    expect(response).toMatchObject({ status: 308, body: "", storable: true });
  });

  test("what a client sends stays one line, and one host", () => {
    const target = fc.string({ unit: fc.constantFrom(..."/?%0dDaA\\@:;.&=<>\"'{}|^`~x"), maxLength: 30 });
    fc.assert(
      fc.property(target, (rest) => {
        const sent = redirected({ scheme: "https", path: { kind: "prefix", value: "/new" } }, `/old/${rest}`);
        expect(sent).toMatch(/^https:\/\/a\.example\/[\x21-\x7e]*$/);
        expect(new URL(sent ?? "").host).toBe("a.example");
      }),
    );
  });
});

describe("to https", () => {
  const https = (target: string, port: number | null, method = "GET", host: string | null = "a.example:8080") => {
    const { asked, head } = parsed(target, host, method);
    // Routed as something else.
    const response = new HttpsRedirect(() => port).response({ ...asked, pathStart: asked.pathStart + 1 }, head);
    return [response?.status, location(response)];
  };

  test("the same address, on the port where we listen, with a status that keeps the method", () => {
    expect(https("/x?y", 443)).toEqual([301, "https://a.example/x?y"]);
    expect(https("/x?y", 8443, "HEAD")).toEqual([301, "https://a.example:8443/x?y"]);
    expect(https("/x?y", null, "POST")).toEqual([308, "https://a.example/x?y"]);
    expect(https("*", 443, "OPTIONS")).toEqual([308, "https://a.example/"]);
    expect(https("/x", 443, "GET", null)).toEqual([undefined, undefined]);
  });

  test.each([
    ["/.well-known/acme-challenge/evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA", true],
    ["/.well-known/acme-challenge/", false],
    ["/.well-known/acme-challenge", false],
    ["/.well-known/acme-challenge/a/b", false],
    ["/.well-known/acme-challenge/..", false],
    ["/.well-known/acme-challenge/%2e%2e", false],
    ["/.well-known/acme-challenge/a?b", false],
    ["/.well-known/acme-challenge/a@", false],
    ["/.well-known/acme-challengex/a", false],
    ["/x/.well-known/acme-challenge/a", false],
  ])("%s is a question for a certificate: %s", (target, expected) => {
    const { asked, head } = parsed(target, "a");
    expect(isAcmeChallenge(asked.headBuffer, head)).toBe(expected);
  });
});
