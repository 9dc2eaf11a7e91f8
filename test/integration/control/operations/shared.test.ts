/** What operators set, in two instances of the product that share a real database. */
import { afterAll, expect, test } from "bun:test";
import { eventually, until } from "../../../support/until.ts";
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
  const starter = async (): Promise<(name: string, more?: Record<string, string>) => Promise<Product>> => {
    const { host, port, database, user, password } = await (await server()).database();
    return async (name, more = {}) => {
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
  };
  const patchOn = (product: Product, path: string, body: object): Promise<Response> => {
    const headers = { "content-type": "application/json" };
    return product.admin(path, { method: "PATCH", headers, body: JSON.stringify(body) });
  };

  test("one drain reaches both; each goes by what is configured where it is", async () => {
    const start = await starter();
    const one = await start("one");
    const other = await start("other", { LB_STRATEGY: "peak_ewma" });
    const patch = (path: string, body: object): Promise<Response> => patchOn(one, path, body);
    const list = async (product: Product): Promise<{ kind: string; in_force: boolean }[]> => {
      const response = await product.admin("/api/v1/overrides");
      return ((await response.json()) as { overrides: { kind: string; in_force: boolean }[] }).overrides;
    };
    expect((await patch("/api/v1/servers/1", { state: "drain", reason: "disk" })).status).toBe(200);
    expect((await patch("/api/v1/pools/default", { strategy: "p2c" })).status).toBe(200);
    await until(async () => (await list(other)).length === 2, 40_000);
    await eventually(async () => expect(await other.names(8)).toEqual({ b: 8 })); // what is listed is about to be in force
    await eventually(async () => {
      const seen = (await list(other)).map(({ kind, in_force: inForce }) => [kind, inForce]);
      expect(seen.sort()).toEqual([
        ["setting", false], // it replaced another strategy than this instance has
        ["state", true],
      ]);
    });
    const settings = (await (await other.admin("/api/v1/pools/default")).json()) as { options: { name: string }[] };
    expect(settings.options.find(({ name }) => name === "LB_STRATEGY")).toMatchObject({
      value: "peak_ewma",
      configured: "peak_ewma",
      override: null,
    });
    expect((await list(one)).every(({ in_force: inForce }) => inForce)).toBe(true);
    const { entries } = (await (await other.admin("/api/v1/audit")).json()) as { entries: object[] };
    expect(entries).toHaveLength(2);
  }, 180_000);

  test("both change something all the time: neither is refused, nothing is lost, and nothing is degraded", async () => {
    const start = await starter();
    const both = [await start("one"), await start("other")];
    const changes = 30;
    const statuses = await Promise.all(
      both.map(async (product, index) => {
        const seen = new Set<number>();
        for (let weight = 2; weight < 2 + changes; weight++) {
          seen.add((await patchOn(product, `/api/v1/servers/${index + 1}`, { weight })).status);
        }
        return [...seen];
      }),
    );
    expect(statuses).toEqual([[200], [200]]);
    for (const product of both) {
      const weights = async (): Promise<readonly number[]> => {
        const servers = (await (await product.admin("/api/v1/servers")).json()) as { weight: number }[];
        return servers.map(({ weight }) => weight);
      };
      await until(async () => (await weights()).every((weight) => weight === 1 + changes), 40_000);
      expect(product.said("what is in force stays in force")).toBeUndefined();
    }
    const { entries } = (await (await both[0].admin("/api/v1/audit?limit=200")).json()) as { entries: object[] };
    expect(entries).toHaveLength(2 * changes);
  }, 180_000);
});
