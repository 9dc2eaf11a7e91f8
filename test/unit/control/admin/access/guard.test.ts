import { describe, expect, test } from "bun:test";
import { adminTokens } from "../../../../../src/config/values/admin-tokens.ts";
import { type AccessPolicy, policyOf, policySource } from "../../../../../src/control/admin/access/policy.ts";
import { AdminApi } from "../../../../../src/control/admin/api.ts";
import { SCOPES, type Scope } from "../../../../../src/control/admin/call.ts";
import { METHODS, operationOf } from "../../../../../src/control/admin/routes/route.ts";
import { type AdminControl, adminRoutes } from "../../../../../src/control/admin/routes/routes.ts";
import { recordingLogger } from "../../../../support/recording-logger.ts";
import { quietLog } from "../../fleet/fixtures.ts";

const TOKENS = {
  metrics: "nbt_of_a_scraper_of_metrics",
  read: "nbt_of_somebody_who_reads__",
  admin: "nbt_of_somebody_who_changes",
} as const;
const sha256 = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest("hex");
const hashed = adminTokens.schema.parse(
  Object.entries(TOKENS)
    .map(([scope, token]) => `of-${scope}:${scope}:sha256:${sha256(token)}`)
    .join(","),
);
const OWN = "correct-horse-battery-staple";

function instance(settings: Partial<Parameters<typeof policyOf>[0]> = {}, host = "127.0.0.1") {
  const clock = { ms: 0 };
  const { log, lines } = recordingLogger();
  const api = new AdminApi(
    { nowMs: () => clock.ms, wallMs: () => 0, support: { asks: () => {} } } as unknown as AdminControl,
    log,
  );
  const policy = policyOf({ token: null, tokens: null, allowedHosts: null, ...settings }, host);
  const ask = (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    { client = "10.0.0.9", of = policy }: { client?: string; of?: AccessPolicy } = {},
  ) => {
    const request = new Request(`http://127.0.0.1:8090${path}`, { method, headers });
    if (headers.host === undefined) request.headers.set("host", "127.0.0.1:8090");
    return api.handle(request, { kind: "admin", client, policy: of });
  };
  return { clock, lines, ask };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** It came past the guard, whatever became of it there: the control plane of these tests answers nothing. */
const isIn = ({ status }: Response) => ![401, 403, 429].includes(status);
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

const routes = adminRoutes({} as AdminControl, quietLog());
/** A path of the route: each part is the first of these, or of the words that it may be, that fits. */
const pathOf = (path: string, parts: readonly string[] = []) => {
  let at = 0;
  return path.replace(/<[^>]+>/g, () => {
    const part = parts[at++];
    const fits = ["1", "x", ...part.split("|")].find((text) => new RegExp(`^(?:${part})$`).test(text));
    if (fits === undefined) throw new Error(`nothing here is a ${part}`);
    return fits;
  });
};

describe("each token may do what its scope says", () => {
  const { ask } = instance({ token: OWN, tokens: hashed });
  const every = routes.flatMap((route) =>
    [...METHODS, "HEAD", "OPTIONS", "TRACE"].map((method) => ({
      method,
      route,
      path: pathOf(route.path, route.parts),
    })),
  );
  const callers: readonly (readonly [string, Scope | "nobody", Record<string, string>])[] = [
    ["no token", "public", {}],
    ["a wrong token", "nobody", bearer("nbt_a_token_of_somebody_else")],
    ["another kind of secret", "nobody", { authorization: `Basic ${TOKENS.admin}` }],
    ...Object.entries(TOKENS).map(([scope, token]) => [scope, scope as Scope, bearer(token)] as const),
    ["ADMIN_TOKEN", "admin", bearer(OWN)],
  ];

  test.each(callers)("%s", async (_title, scope, headers) => {
    const has = SCOPES.indexOf(scope === "nobody" ? "public" : scope);
    for (const { method, route, path } of every) {
      const needed = operationOf(route, method)?.scope ?? "read";
      const response = await ask(method, path, headers, { client: crypto.randomUUID() });
      const expected = has >= SCOPES.indexOf(needed);
      expect([method, path, isIn(response)]).toEqual([method, path, expected]);
    }
  });

  test("what there is not is not told without the right to read", async () => {
    for (const path of ["/nothing", "/api/v1/nothing", "/api/v1/servers/1/", "//health/live"]) {
      expect([path, (await ask("GET", path)).status]).toEqual([path, 401]);
      expect((await ask("GET", path, bearer(TOKENS.metrics))).status).toBe(403);
      expect((await ask("GET", path, bearer(TOKENS.read))).status).toBe(404);
    }
  });

  test("the refusal says what would do", async () => {
    const none = await ask("GET", "/api/v1/status");
    expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="neurabalancer"']);
    expect(await codeOf(none)).toBe("unauthorized");
    const less = await ask("PATCH", "/api/v1/servers/1", bearer(TOKENS.read));
    expect([less.status, less.headers.get("www-authenticate")]).toEqual([
      403,
      'Bearer realm="neurabalancer", error="insufficient_scope", scope="admin"',
    ]);
    expect(await less.json()).toMatchObject({
      code: "insufficient_scope",
      detail: "this needs a token of scope admin: the one given has read",
    });
  });
});

describe("without tokens", () => {
  test("this machine's own may do everything, others read metrics alone", async () => {
    const { ask } = instance({}, "0.0.0.0");
    for (const client of ["127.0.0.1", "::1", "127.0.0.9"]) {
      expect(isIn(await ask("GET", "/api/v1/status", {}, { client }))).toBe(true);
      expect(isIn(await ask("PATCH", "/api/v1/servers/1", {}, { client }))).toBe(true);
    }
    for (const path of ["/api/v1/status", "/api/v1/servers", "/api/v1/nothing"]) {
      const refused = await ask("GET", path);
      expect([refused.status, await codeOf(refused)]).toEqual([403, "this_machine_only"]);
    }
    expect(isIn(await ask("GET", "/metrics"))).toBe(true);
    expect((await ask("GET", "/health/live")).status).toBe(200);
  });

  test.each([
    "forwarded",
    "x-forwarded-for",
    "via",
    "x-real-ip",
    "X-Forwarded-Host",
    "x-client-ip",
    "CF-Connecting-IP",
    "true-client-ip",
  ])("what a proxy on this machine brings with %s is not its own", async (name) => {
    const { ask } = instance();
    const response = await ask("GET", "/api/v1/status", { [name]: "x" }, { client: "127.0.0.1" });
    expect([response.status, await codeOf(response)]).toEqual([403, "this_machine_only"]);
  });
});

describe("wrong tokens", () => {
  test("are too many at some time, and a right one is taken all the same, also from there", async () => {
    const { ask, clock, lines } = instance({ tokens: hashed });
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) statuses.push((await ask("GET", "/api/v1/status", bearer(`wrong-${i}`))).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    const late = await ask("GET", "/api/v1/status", bearer("wrong"));
    expect([late.headers.get("retry-after"), await codeOf(late)]).toEqual(["6", "too_many_failures"]);
    expect(isIn(await ask("GET", "/api/v1/status", bearer(TOKENS.read)))).toBe(true);
    expect((await ask("GET", "/api/v1/status")).status).toBe(401);
    clock.ms += 6_000;
    expect((await ask("GET", "/api/v1/status", bearer("wrong"))).status).toBe(401);
    const told = lines.filter(({ message }) => message === "a wrong token was given at the admin port");
    expect(told).toMatchObject([{ client: "10.0.0.9", tries: 1 }]);
    clock.ms += 6_000;
    await ask("GET", "/api/v1/status", bearer("wrong"));
    expect(lines.at(-1)).toMatchObject({ level: "warn", tries: 11 });
  });
});

describe("browsers", () => {
  const loopback = { client: "127.0.0.1" };

  test("a foreign name is no way in, but for whoever has a token", async () => {
    const { ask } = instance({ tokens: hashed });
    for (const path of ["/health/live", "/metrics", "/api/v1/status", "/nothing"]) {
      const refused = await ask("GET", path, { host: "evil.example:8090" });
      expect([path, refused.status, await codeOf(refused)]).toEqual([path, 403, "foreign_host"]);
    }
    expect(isIn(await ask("GET", "/api/v1/status", { host: "lb.internal", ...bearer(TOKENS.read) }))).toBe(true);
    expect((await ask("GET", "/api/v1/status", { host: "evil.example", ...bearer("wrong") })).status).toBe(403);
  });

  test("on a listener for others, health is told under every name, and nothing else is", async () => {
    const { ask } = instance({}, "0.0.0.0");
    expect((await ask("GET", "/health/live", { host: "balancer:8090" })).status).toBe(200);
    expect((await ask("GET", "/metrics", { host: "balancer:8090" })).status).toBe(403);
    expect((await ask("GET", "/api/v1/status", { host: "evil.example" }, loopback)).status).toBe(403);
  });

  test("names of ADMIN_ALLOWED_HOSTS are its own", async () => {
    const { ask } = instance({ allowedHosts: ["lb.internal"] });
    expect(isIn(await ask("GET", "/api/v1/status", { host: "LB.internal:8090" }, loopback))).toBe(true);
    expect(isIn(await ask("GET", "/api/v1/status", { host: "sub.lb.internal" }, loopback))).toBe(false);
    // A proxy that has the TLS asks under another name than the page was loaded from.
    const page = { origin: "https://lb.internal", "sec-fetch-site": "same-origin" };
    expect(isIn(await ask("PATCH", "/api/v1/servers/1", page, loopback))).toBe(true);
  });

  test.each([
    ["another site's page reads", "GET", "/api/v1/status", { "sec-fetch-site": "cross-site" }, false],
    ["a neighbour's page reads", "GET", "/api/v1/status", { "sec-fetch-site": "same-site" }, false],
    ["another site's page reads metrics", "GET", "/metrics", { origin: "http://evil.example" }, false],
    [
      "a link to the API",
      "GET",
      "/api/v1/status",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
      false,
    ],
    ["what is public", "GET", "/health/live", { "sec-fetch-site": "cross-site" }, true],
    ["an address typed in", "GET", "/api/v1/status", { "sec-fetch-site": "none" }, true],
    ["its own page", "GET", "/api/v1/status", { "sec-fetch-site": "same-origin" }, true],
    ["a change of another site", "POST", "/api/v1/ml/train", { "sec-fetch-site": "cross-site" }, false],
    ["a preflight", "OPTIONS", "/api/v1/servers/1", { origin: "http://evil.example" }, false],
  ])("%s", async (_title, method, path, headers, expected) => {
    for (const token of [{}, bearer(TOKENS.admin)]) {
      const { ask } = instance("authorization" in token ? { tokens: hashed } : {});
      const response = await ask(method, path, { ...headers, ...token } as Record<string, string>, loopback);
      expect(isIn(response)).toBe(expected);
      if (!expected) expect([response.status, await codeOf(response)]).toEqual([403, "cross_site"]);
      expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

test("a reload changes the tokens", () => {
  let settings = { token: null, tokens: hashed, allowedHosts: null };
  const policy = policySource(() => settings as never, "127.0.0.1");
  expect([policy().tokens.length, policy()]).toEqual([3, policy()]);
  settings = { ...settings, tokens: hashed.slice(0, 1) };
  expect(policy().tokens.map(({ name }) => name)).toEqual(["of-metrics"]);
});
