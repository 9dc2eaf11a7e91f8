/** What operators set, in two instances of the product that share a real database. */
import { afterAll, expect, test } from "bun:test";
import { until } from "../../../support/until.ts";
import { withServer } from "../../storage/postgres/fixture.ts";
import { Product } from "../supervisor/product.ts";

const backends = ["a", "b"].map((name) =>
  Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(name) }),
);
const running: Product[] = [];
afterAll(async () => {
  await Promise.all(running.map((product) => product.kill()));
  await Promise.all(backends.map((server) => server.stop(true)));
});

withServer("two instances on one database", (server) => {
  test("one drain reaches both; each goes by what is configured where it is", async () => {
    const { host, port, database, user, password } = await (await server()).database();
    const start = async (name: string, more: Record<string, string>): Promise<Product> => {
      const product = new Product({
        SERVERS: backends.map((backend) => `http://127.0.0.1:${backend.port}`).join(","),
        APP_HOST: "127.0.0.1",
        APP_PORT: "0",
        ADMIN_PORT: "auto",
        WORKERS: "1",
        INSTANCE_NAME: name,
        DB_HOST: host,
        DB_PORT: String(port),
        DB_NAME: database,
        DB_USER: user,
        DB_PASSWORD: password,
        DB_SSLMODE: "disable",
        ...more,
      });
      running.push(product);
      await product.ready();
      return product;
    };
    const one = await start("one", {});
    const other = await start("other", { LB_STRATEGY: "peak_ewma" });
    const patch = (path: string, body: object): Promise<Response> => {
      const headers = { "content-type": "application/json" };
      return one.admin(path, { method: "PATCH", headers, body: JSON.stringify(body) });
    };
    const list = async (product: Product): Promise<{ kind: string; in_force: boolean }[]> => {
      const response = await product.admin("/api/v1/overrides");
      return ((await response.json()) as { overrides: { kind: string; in_force: boolean }[] }).overrides;
    };
    expect((await patch("/api/v1/servers/1", { state: "drain", reason: "disk" })).status).toBe(200);
    expect((await patch("/api/v1/pools/default", { strategy: "p2c" })).status).toBe(200);
    await until(async () => (await list(other)).length === 2, 40_000);
    expect(await other.names(8)).toEqual({ b: 8 });
    const seen = (await list(other)).map(({ kind, in_force: inForce }) => [kind, inForce]);
    expect(seen.sort()).toEqual([
      ["setting", false], // it replaced another strategy than this instance has
      ["state", true],
    ]);
    expect((await list(one)).every(({ in_force: inForce }) => inForce)).toBe(true);
    const { entries } = (await (await other.admin("/api/v1/audit")).json()) as { entries: object[] };
    expect(entries).toHaveLength(2);
  }, 180_000);
});
