/** Requests find their routes over the wire: by what is matched, while the bytes pass on as they came. */
import { afterEach, describe, expect, test } from "bun:test";
import type { RouteMatch, RouteSpec } from "../../../../src/protocol/route.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../../../support/proxy-harness.ts";
import { toPool } from "../../../support/proxy-settings.ts";
import type { WireMessage } from "../../../support/wire.ts";

afterEach(cleanUp);

const POOLS = ["front", "admin"].map((name, row) => ({ row, name }));

function route(pool: string, match: Partial<RouteMatch>, rest: Partial<RouteSpec> = {}): Partial<RouteSpec> {
  const paths = [{ kind: "prefix" as const, value: "/" }];
  const whole = { hosts: [], paths, methods: [], headers: [], ...match };
  return { ...toPool(pool), name: pool, match: whole, ambiguousPaths: "refuse", ...rest };
}

const prefix = (value: string): Pick<RouteMatch, "paths"> => ({ paths: [{ kind: "prefix", value }] });

/** Servers that answer with the name of their pool and the request line; one of each pool. */
async function site(routes: readonly Partial<RouteSpec>[]): Promise<TestProxy> {
  const servers = await Promise.all(
    POOLS.map(async ({ row, name }) => {
      const { port } = await Backend.answering(({ startLine }) => ok(`${name}: ${startLine}`));
      return { port, pool: row };
    }),
  );
  return new TestProxy(servers, { pools: POOLS, routes });
}

const ROUTES = [route("front", {}), route("admin", prefix("/admin"))];

function bodyOf({ body }: WireMessage): string {
  return body.toString();
}

describe("routes over the wire", () => {
  test("the path is matched in normal form, and passed on as it came", async () => {
    const proxy = await site(ROUTES);
    const client = await proxy.connect();
    for (const [target, pool] of [
      ["/", "front"],
      ["/admin/x?y=/../z", "admin"],
      ["/%61dmin/%7e", "admin"],
      ["/admin/./../admin", "admin"],
      ["/x//y/../%2F;z", "front"],
    ]) {
      await client.send(get(target));
      expect(bodyOf(await client.message())).toBe(`${pool}: GET ${target} HTTP/1.1`);
    }
  });

  test("a path that servers read in several ways is refused, and the connection goes on", async () => {
    const proxy = await site(ROUTES);
    const client = await proxy.connect();
    const refused = ["/front/..%2Fadmin", "/admin/../front", "/front/..;/admin", "//admin", "/front/%252e%252e/admin"];
    await client.send(refused.map((target) => get(target)).join("") + get("/admin"));
    for (const _ of refused) {
      const answer = await client.message();
      expect([answer.status, JSON.parse(bodyOf(answer))]).toEqual([
        400,
        { error: expect.objectContaining({ code: "ambiguous_path" }) },
      ]);
    }
    expect(bodyOf(await client.message())).toBe("admin: GET /admin HTTP/1.1");
  });

  test("a route may allow them", async () => {
    const proxy = await site([route("front", {}, { ambiguousPaths: "allow" }), ROUTES[1]]);
    expect(bodyOf(await proxy.ask(get("/front/..%2Fadmin")))).toBe("front: GET /front/..%2Fadmin HTTP/1.1");
    expect((await proxy.ask(get("/admin%2F..%2Fadmin"))).status).toBe(200);
    expect((await proxy.ask(get("/admin/..;/front"))).status).toBe(400);
  });

  test("one route takes every path, byte for byte", async () => {
    const proxy = await site([{ ...ROUTES[0] }]);
    for (const target of ["/a/../..%2f//%00;\\%zz%u002e%c0%af", "//", "/%"]) {
      expect(bodyOf(await proxy.ask(get(target)))).toBe(`front: GET ${target} HTTP/1.1`);
    }
  });

  test("what follows /api/v1/request is routed as it is without it", async () => {
    const proxy = await site(ROUTES);
    expect(bodyOf(await proxy.ask(get("/api/v1/request/admin/x?y")))).toBe("admin: GET /admin/x?y HTTP/1.1");
    expect(bodyOf(await proxy.ask(get("/api/v1/request?y")))).toBe("front: GET /?y HTTP/1.1");
    expect((await proxy.ask(get("/api/v1/request/a%2f..%2fadmin"))).status).toBe(400);
    expect((await proxy.ask(get("/api/v1/request/a%2fb"))).status).toBe(200);
  });

  test("the host of an absolute target counts, and OPTIONS * is no path's", async () => {
    const proxy = await site([route("front", {}), route("admin", { hosts: ["admin.example"] })]);
    expect(bodyOf(await proxy.ask(get("http://ADMIN.example:80/x")))).toBe("admin: GET /x HTTP/1.1");
    expect(bodyOf(await proxy.ask(get("*", "", "OPTIONS")))).toBe("front: OPTIONS * HTTP/1.1");
  });

  test("a request that no route takes gets a 404, until there is one", async () => {
    const proxy = await site([ROUTES[1]]);
    const client = await proxy.connect();
    await client.send(get("/x"));
    expect((await client.message()).status).toBe(404);
    proxy.change({}, { routes: ROUTES });
    await client.send(get("/x"));
    expect(bodyOf(await client.message())).toBe("front: GET /x HTTP/1.1");
  });
});
