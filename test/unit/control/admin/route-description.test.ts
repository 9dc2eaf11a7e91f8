import { expect, test } from "bun:test";
import { routeToAll } from "../../../../src/config/routes/default-route.ts";
import { describeRoute } from "../../../../src/control/admin/route-description.ts";
import type { RouteAction, RouteSpec } from "../../../../src/protocol/route.ts";

function route(more: Partial<RouteSpec>): RouteSpec {
  return { ...routeToAll("shop", { redirect: false, hstsMs: 0 }), number: 0, errorPages: [], ...more };
}
const actionOf = (action: RouteAction) => (describeRoute(route({ action })) as { action: object }).action;

test("what is not configured is not there", () => {
  expect(describeRoute(route({}))).toEqual({
    name: "/*",
    hosts: [],
    paths: [{ prefix: "/" }],
    methods: [],
    headers: [],
    action: { pool: "shop" },
    ambiguous_paths: "allow",
  });
});

test("matches in the words of the file; values of fields are nobody's business", () => {
  const match = {
    hosts: ["shop.example"],
    paths: [{ kind: "exact", value: "/x" }] as const,
    methods: ["GET"],
    headers: [{ name: "x-api-key", value: "secret" }],
  };
  const described = describeRoute(
    route({ match, requestHeaders: { remove: [], set: [{ name: "A", value: "secret" }], add: [] } }),
  );
  expect(described).toMatchObject({ hosts: ["shop.example"], paths: [{ exact: "/x" }], headers: ["x-api-key"] });
  expect(JSON.stringify(described)).not.toContain("secret");
});

test("every action", () => {
  const targets = [
    { pool: "a", weight: 3 },
    { pool: "b", weight: 1 },
  ];
  expect(actionOf({ kind: "forward", targets, splitBy: null })).toEqual({ split: targets });
  expect(actionOf({ kind: "forward", targets, splitBy: "client_ip" })).toEqual({
    split: targets,
    split_by: "client_ip",
  });
  expect(actionOf({ kind: "respond", status: 410, contentType: "text/plain", body: "gone ✓" })).toEqual({
    respond: { status: 410, content_type: "text/plain", body_bytes: 8 },
  });
  const path = { kind: "prefix", value: "/new" } as const;
  expect(actionOf({ kind: "redirect", status: 308, scheme: "https", host: null, port: 8443, path })).toEqual({
    redirect: { status: 308, scheme: "https", port: 8443, prefix: "/new" },
  });
});

test("queries are nobody's business", () => {
  const forwardAuth = {
    pool: "auth",
    path: "/may?key=secret",
    requestHeaders: [],
    responseHeaders: [],
    timeoutMs: 1_000,
  };
  expect(describeRoute(route({ forwardAuth }))).toMatchObject({ forward_auth: { pool: "auth", path: "/may?****" } });
});

test("what happens beside it", () => {
  const described = describeRoute(
    route({
      httpsRedirect: true,
      rewrite: { path: { kind: "full", value: "/y" }, host: "inner.example" },
      mirror: { pool: "trial", percent: 5 },
      forwardAuth: { pool: "auth", path: "/check", requestHeaders: [], responseHeaders: [], timeoutMs: 1 },
    }),
  );
  expect(described).toMatchObject({
    https_redirect: true,
    rewrite: { path: "/y", host: "inner.example" },
    mirror: { pool: "trial", percent: 5 },
    forward_auth: { pool: "auth", path: "/check" },
  });
});
