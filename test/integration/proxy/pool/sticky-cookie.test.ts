/** Sessions that stay at a server by a cookie: given once, believed after, and moved when the server is no more. */
import { afterAll, describe, expect, test } from "bun:test";
import { ServerState } from "../../../../src/shared/memory/layout/shared-memory.ts";
import {
  Backend,
  cleanUp,
  eventually,
  get,
  ok,
  type ProxyOptions,
  type Target,
  TestProxy,
} from "../../../support/proxy-harness.ts";
import { toPool } from "../../../support/proxy-settings.ts";
import { singleValue, valuesOf, type WireMessage } from "../../../support/wire.ts";

afterAll(cleanUp);

const STICKY = {
  stickyCookie: "lb",
  stickyKeys: ["0123456789abcdef"],
  stickySameSite: "lax",
  stickySecure: "auto",
  stickyMaxAgeMs: 0,
} as const;

/** A server that says its name, and what it sets itself. */
function named(name: string, fields = ""): Promise<Backend> {
  return Backend.answering(() => ok(name, fields));
}

function sticky(targets: readonly Target[], options: ProxyOptions = {}): TestProxy {
  return new TestProxy(targets, { ...options, settings: { ...STICKY, ...options.settings } });
}

/** `lb=…` of the response; undefined = it gives none. */
function cookieOf(answer: WireMessage): string | undefined {
  return valuesOf(answer, "set-cookie")
    .map((value) => value.split(";")[0])
    .find((pair) => pair.startsWith("lb="));
}

async function ask(
  proxy: TestProxy,
  cookie?: string,
  fields = "",
): Promise<{ name: string; cookie: string | undefined }> {
  const answer = await proxy.ask(get("/", (cookie === undefined ? "" : `Cookie: ${cookie}\r\n`) + fields));
  return { name: answer.body.toString("latin1"), cookie: cookieOf(answer) };
}

/** Of a client that came to this server. */
function cookieFor(proxy: TestProxy, wanted: string): Promise<string> {
  return eventually(async () => {
    const { name, cookie } = await ask(proxy);
    return name === wanted ? cookie : undefined;
  });
}

describe("a client", () => {
  test("comes back to the server that answered it, and is given the cookie once", async () => {
    const proxy = sticky([await named("a"), await named("b"), await named("c")]);
    const seen = new Set<string>();
    for (let client = 0; client < 3; client++) {
      const { name, cookie } = await ask(proxy);
      seen.add(name);
      for (let i = 0; i < 4; i++) expect(await ask(proxy, cookie)).toEqual({ name, cookie: undefined });
    }
    // Clients that stay take no turns from those that come.
    expect(seen.size).toBe(3);
  });

  test("is given it beside cookies of the server's own", async () => {
    const proxy = sticky([await named("a", "Set-Cookie: own=1\r\n")]);
    const answer = await proxy.ask(get("/"));
    expect(valuesOf(answer, "set-cookie")).toEqual([
      "own=1",
      expect.stringMatching(/^lb=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
  });

  test("that a trusted proxy says came by HTTPS is given it for HTTPS alone", async () => {
    const proxy = sticky([await named("a")], { settings: { trustedProxies: ["127.0.0.0/8"] } });
    const answer = await proxy.ask(get("/", "X-Forwarded-Proto: https\r\n"));
    expect(singleValue(answer, "set-cookie")).toEndWith("; Secure");
  });

  test("with a cookie that nobody made is placed as any other, and given another", async () => {
    const proxy = sticky([await named("a"), await named("b")]);
    const first = await ask(proxy, "lb=AAAAAAAAAAAAAAAAAAAAAA");
    expect(first.cookie).toMatch(/^lb=[\w-]{22}$/);
    expect(await ask(proxy, first.cookie)).toEqual({ name: first.name, cookie: undefined });
  });

  test("goes on in another run and at another instance, where servers have other slots and ids", async () => {
    const [a, b] = [await named("a"), await named("b")];
    const { name, cookie } = await ask(sticky([a, b]));
    const other = sticky([await named("c"), b, a]);
    for (let i = 0; i < 3; i++) expect(await ask(other, cookie)).toEqual({ name, cookie: undefined });
  });
});

describe("when the server that it names", () => {
  test("drains, the client is placed anew", async () => {
    const proxy = sticky([await named("a"), await named("b")]);
    const { name, cookie } = await ask(proxy);
    proxy.setState(name === "a" ? 0 : 1, ServerState.DRAINING);
    const next = await ask(proxy, cookie);
    expect(next.name).not.toBe(name);
    expect(await ask(proxy, next.cookie)).toEqual({ name: next.name, cookie: undefined });
  });

  test("fails the request, the cookie names the one that answers instead", async () => {
    const a = await named("a");
    const proxy = sticky([a, await named("b")], { settings: { retryBudgetPercent: 1000 } });
    const cookie = await cookieFor(proxy, "a");
    a.stop();
    const next = await ask(proxy, cookie);
    expect(next.name).toBe("b");
    expect(next.cookie).toBeDefined();
    expect(next.cookie).not.toBe(cookie);
  });

  test("is full, the client is served by another one, and comes back", async () => {
    let release: (() => void) | null = null;
    const a = await Backend.answering(async (request) => {
      if (request.startLine.includes("/hold")) await new Promise<void>((resolve) => (release = resolve));
      return ok("a");
    });
    const proxy = sticky([{ port: a.port, hardLimit: 1 }, await named("b")]);
    const cookie = await cookieFor(proxy, "a");
    const holder = await proxy.connect();
    await holder.send(get("/hold", `Cookie: ${cookie}\r\n`));
    const end = await eventually(() => release as (() => void) | null);
    expect(await ask(proxy, cookie)).toEqual({ name: "b", cookie: undefined });
    end();
    await holder.message();
    holder.destroy();
    expect(await ask(proxy, cookie)).toEqual({ name: "a", cookie: undefined });
  });

  test("is a backup whose turn is over, it keeps the clients that it has", async () => {
    const proxy = sticky([await named("a"), await named("b")]);
    proxy.setState(0, ServerState.DOWN);
    const { name, cookie } = await ask(proxy);
    proxy.setState(0, ServerState.UP);
    proxy.setState(1, ServerState.STANDBY);
    expect([name, (await ask(proxy)).name]).toEqual(["b", "a"]);
    expect(await ask(proxy, cookie)).toEqual({ name: "b", cookie: undefined });
  });
});

test("the cookie of a key that is on its way out is good, and exchanged", async () => {
  const proxy = sticky([await named("a"), await named("b")]);
  const { name, cookie } = await ask(proxy);
  proxy.change({ stickyKeys: ["fedcba9876543210", ...STICKY.stickyKeys] });
  const next = await ask(proxy, cookie);
  expect(next.name).toBe(name);
  expect(next.cookie).toMatch(/^lb=/);
  expect(next.cookie).not.toBe(cookie);
  proxy.change({ stickyKeys: ["fedcba9876543210"] });
  expect(await ask(proxy, next.cookie)).toEqual({ name, cookie: undefined });
});

test("of a split route, the client goes to the pool that has its server", async () => {
  const pools = [
    { row: 0, name: "old" },
    { row: 1, name: "new" },
  ];
  const targets = pools.map(({ name }) => ({ pool: name, weight: 1 }));
  const route = { number: 16, action: { kind: "forward", targets, splitBy: null } } as const;
  const [a, b] = [await named("a"), await named("b")];
  const proxy = sticky([a, { port: b.port, pool: 1 }], { pools, routes: [route] });
  const seen = new Map<string, string | undefined>();
  await eventually(async () => {
    const { name, cookie } = await ask(proxy);
    seen.set(name, cookie);
    return seen.size === 2;
  });
  for (const [name, cookie] of seen) {
    for (let i = 0; i < 8; i++) expect(await ask(proxy, cookie)).toEqual({ name, cookie: undefined });
  }
  // A pool that gets nothing any more gives its clients up.
  proxy.change({}, { routes: [toPool("old")] });
  expect((await ask(proxy, seen.get("b"))).name).toBe("a");
});

test("an upgrade is given the cookie as well", async () => {
  const backend = await Backend.start(async (connection) => {
    await connection.message();
    await connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
  });
  const proxy = sticky([backend]);
  const client = await proxy.connect();
  await client.send(get("/", "Connection: Upgrade\r\nUpgrade: echo\r\n"));
  const answer = await client.message({ noBody: true });
  expect([answer.status, cookieOf(answer)]).toEqual([101, expect.stringMatching(/^lb=/)]);
  client.destroy();
});

test("without a name for it there is no cookie", async () => {
  const proxy = sticky([await named("a")], { settings: { stickyCookie: null } });
  expect((await ask(proxy)).cookie).toBeUndefined();
});
