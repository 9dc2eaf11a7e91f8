/** Who a request is from, what it sticks to, which ids it has and which path it is for. */
import { describe, expect, test } from "bun:test";
import { hashString } from "../../../../src/balancing/hash.ts";
import { routeOf } from "../../../../src/proxy/downstream/routes.ts";
import { clientAddressOf, createStickyKey } from "../../../../src/proxy/pick/sticky-key.ts";
import { forwardedElements, forwardedForAddresses, MAX_HOPS } from "../../../../src/proxy/rewrite/forwarded.ts";
import { Peer } from "../../../../src/proxy/rewrite/request.ts";
import { IdSource } from "../../../../src/proxy/rewrite/request-ids.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";
import { ROUTES } from "../../../../src/shared/memory/series-table.ts";
import { TEST_SETTINGS } from "../../../support/proxy-harness.ts";
import { getRequest } from "../support.ts";

describe("TrustedProxies", () => {
  const trusted = new TrustedProxies(["10.0.0.0/8", "192.168.1.1", "2001:db8::/32", "::1"]);

  test.each([
    ["10.1.2.3", true],
    ["11.1.2.3", false],
    ["192.168.1.1", true],
    ["192.168.1.2", false],
    ["::ffff:10.1.2.3", true],
    ["2001:db8:1::5", true],
    ["2001:db9::5", false],
    ["::1", true],
    ["not an address", false],
    ["", false],
  ])("%p is trusted: %p", (address, expected) => {
    expect(trusted.includes(address)).toBe(expected);
  });

  test("nobody is trusted unless told", () => {
    expect(new TrustedProxies([]).includes("127.0.0.1")).toBe(false);
  });

  test.each([
    ["1.1.1.1", "1.1.1.1"],
    ["1.1.1.1, 2.2.2.2", "2.2.2.2"],
    ["1.1.1.1, 10.0.0.2", "1.1.1.1"],
    ["6.6.6.6, 1.1.1.1, 10.0.0.2,10.0.0.3", "1.1.1.1"],
    ["10.0.0.4, 10.0.0.5", "10.0.0.4"],
    ["1.1.1.1, unknown, 10.0.0.2", "10.0.0.2"],
    ["1.1.1.1, 2001:db8::9", "1.1.1.1"],
    ["garbage", "10.9.9.9"],
    ["", "10.9.9.9"],
    ["203.0.113.7:51234", "203.0.113.7"],
    ["203.0.113.7:51234, 10.0.0.2:80", "203.0.113.7"],
    ["[2001:db9::1]:443", "2001:db9::1"],
    ["[2001:db9::1]", "2001:db9::1"],
    ['"[2001:db9::1]:443"', "2001:db9::1"],
    ['"203.0.113.7:80"', "203.0.113.7"],
    ["2001:db9::1:443", "2001:db9::1:443"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:", "10.9.9.9"],
    ["203.0.113.7:x", "10.9.9.9"],
    ["[2001:db9::1]x", "10.9.9.9"],
    ["[203.0.113.7]", "10.9.9.9"],
    ["203.0.113", "10.9.9.9"],
    ["0x7f.1", "10.9.9.9"],
    ["fe80::1%eth0", "10.9.9.9"],
    ["1.1.1.1,", "10.9.9.9"],
    ["_hidden, 10.0.0.2", "10.0.0.2"],
  ])("behind 10.9.9.9, %p means %p", (forwarded, expected) => {
    expect(trusted.clientAddress("10.9.9.9", forwardedForAddresses(forwarded))).toBe(expected);
  });

  test.each([
    ["for=1.1.1.1", "1.1.1.1"],
    ["For=1.1.1.1;proto=https;by=10.0.0.1", "1.1.1.1"],
    ['proto=https ; for="1.1.1.1:80"', "1.1.1.1"],
    ['for=6.6.6.6, for="[2001:db9::1]:443"', "2001:db9::1"],
    ['for=1.1.1.1, for=10.0.0.2, for="10.0.0.3:_port"', "1.1.1.1"],
    ['for=6.6.6.6, host="a,b;for=7.7.7.7";for=1.1.1.1', "1.1.1.1"],
    ['for=1.1.1.1;host="a\\"b"', "1.1.1.1"],
    // A stranger wrote the beginning, whatever it is; the end is the proxy's.
    ['"", for=" , for=1.1.1.1', "1.1.1.1"],
    ["for=1.1.1.1, for=unknown, for=10.0.0.2", "10.0.0.2"],
    ["for=_secret", "10.9.9.9"],
    ["by=1.1.1.1", "10.9.9.9"],
    ["xfor=1.1.1.1", "10.9.9.9"],
    ["for=", "10.9.9.9"],
    ["", "10.9.9.9"],
  ])("behind 10.9.9.9, Forwarded: %p means %p", (forwarded, expected) => {
    const addresses = [...forwardedElements(forwarded)].map(({ address }) => address);
    expect(trusted.clientAddress("10.9.9.9", addresses)).toBe(expected);
  });

  test("however long the chain, no more than 64 hops are looked at", () => {
    const chain = (node: string) => Array.from({ length: 4000 }, () => node).join(",");
    expect([...forwardedForAddresses(chain("10.0.0.1"))].length).toBe(MAX_HOPS);
    expect([...forwardedElements(chain("for=10.0.0.1"))].length).toBe(MAX_HOPS);
    expect(MAX_HOPS).toBe(64);
  });
});

describe("sticky keys", () => {
  const trusted = new TrustedProxies(["10.0.0.0/8"]);
  const near = new Peer("10.0.0.1", false, trusted);
  const far = new Peer("7.7.7.7", false, trusted);
  const key = (hashOn: string, lines: string, peer = far) => {
    const { buf, head } = getRequest("/", lines);
    return createStickyKey(hashOn, trusted)(buf, head, peer);
  };

  test("client_ip: the peer, or the client behind a trusted one", () => {
    expect(key("client_ip", "X-Forwarded-For: 1.1.1.1\r\n")).toBe(hashString("7.7.7.7"));
    expect(key("client_ip", "X-Forwarded-For: 1.1.1.1\r\n", near)).toBe(hashString("1.1.1.1"));
    const { buf, head } = getRequest("/", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n");
    expect(clientAddressOf(buf, head, near, trusted)).toBe("2.2.2.2");
  });

  test("a header by any case of its name; without it, the address", () => {
    expect(key("header:X-Tenant", "x-TENANT: blue\r\n")).toBe(hashString("blue"));
    expect(key("header:X-Tenant", "X-Tenants: blue\r\n")).toBe(hashString("7.7.7.7"));
  });

  test("a cookie among others, in any of several fields", () => {
    expect(key("cookie:sid", "Cookie: a=1; sid=x=y ; b=2\r\n")).toBe(hashString("x=y"));
    expect(key("cookie:sid", "Cookie: a=1\r\nCookie: sid=z\r\n")).toBe(hashString("z"));
    expect(key("cookie:sid", "Cookie: asid=1; sid\r\n")).toBe(hashString("7.7.7.7"));
  });

  test.each(["", "header:", "cookie", "query:x"])("%p is no way to hash", (hashOn) => {
    expect(() => createStickyKey(hashOn, trusted)).toThrow("use client_ip");
  });
});

describe("request ids", () => {
  test("are hexadecimal, seeded, and do not repeat", () => {
    const make = () => new IdSource(new Uint32Array([1, 2, 3, 4]));
    const [one, two] = [make(), make()];
    const seen = new Set<string>();
    const out = Buffer.alloc(40, "-");
    for (let i = 0; i < 10_000; i++) {
      one.write(out, 4, 32);
      seen.add(out.toString());
    }
    two.write(out, 4, 32);
    expect(seen.size).toBe(10_000);
    expect(seen.has(out.toString())).toBe(true);
    for (const id of seen) expect(id).toMatch(/^----[0-9a-f]{32}----$/);
  });

  test("a seed of zeros still makes ids", () => {
    const out = Buffer.alloc(64);
    const source = new IdSource(new Uint32Array(4));
    for (let i = 0; i < 8; i++) source.write(out, 0, 64);
    expect(out.toString()).not.toBe("0".repeat(64));
  });
});

describe("routes", () => {
  const route = (path: string, settings = {}) => {
    const { buf, head } = getRequest(path);
    return ROUTES[routeOf(buf, head, { ...TEST_SETTINGS, ...settings })];
  };

  test.each([
    ["/", "/*"],
    ["/health/live", "/health/live"],
    ["/health/live?x=1", "/health/live"],
    ["/health/ready", "/health/ready"],
    ["/health/Live", "/*"],
    ["/health%2flive", "/*"],
    ["//health/live", "/*"],
    ["/metrics", "/metrics"],
    ["/metrics/", "/*"],
    ["/api/v1/servers", "/api/v1/servers"],
    ["/api/v1/servers/1", "/api/v1/servers/*"],
    ["/api/v1/servers/", "/api/v1/servers/*"],
    ["/api/v1/servers/%31?x=/..", "/api/v1/servers/*"],
    ["/api/v1/servers/a/../1", "/api/v1/servers/*"],
    ["/api/v1/servers/./1", "/api/v1/servers/*"],
    ["/api/v1/servers//...", "/api/v1/servers/*"],
    ["/api/v1/servers/..", "/*"],
    ["/api/v1/servers/../x", "/*"],
    ["/api/v1/servers/%2e%2E/x", "/*"],
    ["/api/v1/servers/.%2e;a=b/x", "/*"],
    ["/api/v1/servers//../x", "/*"],
    ["/api/v1/servers/a/b/../../../x", "/*"],
    ["/api/v1/serversx/1", "/*"],
    ["/api/v1/servers;x/1", "/*"],
    ["/api/v1/request", "/api/v1/request"],
    ["/api/v1/request?q", "/api/v1/request"],
    ["/api/v1/request/x", "/api/v1/request"],
    ["/api/v1/requestx", "/*"],
    ["http://a.example/metrics", "/metrics"],
  ])("%s is %s", (path, expected) => {
    expect(route(path)).toBe(expected as (typeof ROUTES)[number]);
  });

  test("can be switched off", () => {
    expect(route("/health/live", { reservedPaths: false })).toBe("/*");
    expect(route("/metrics", { prometheusEnabled: false })).toBe("/*");
    expect(route("/api/v1/servers/1", { reservedPaths: false })).toBe("/*");
  });
});
