/** Two pools with `ml` in one instance, with real processes: what is learned of one, what is ordered for it, and what becomes of the other. */
import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Explanation } from "../../../src/shared/explanation/explanation.ts";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import { isGood, load, Product, request, type Scripted, startScripted, taking, until } from "../fixture.ts";
import { FAST, modelsIn, order, reading } from "./fixture.ts";

const open = endedAfterAll();

interface PoolView {
  readonly rung: string;
  readonly model_version: number | null;
  readonly servers: readonly { readonly url: string }[] | null;
}

interface View {
  readonly rung?: string;
  readonly learner: { readonly pid: number };
  readonly pools: Readonly<Record<string, PoolView>>;
}

const view = async (product: Product) => (await (await product.admin("/api/v1/ml")).json()) as View;
const rungs = async (product: Product) =>
  Object.entries((await view(product)).pools ?? {}).map(([name, { rung }]) => `${name} ${rung}`);
const BOTH = ["calm model", "shop model"];

/** A file of pools by name, each of these servers; all requests go to the first but those under `/<name>`. */
function fileOf(pools: Readonly<Record<string, readonly Scripted[]>>): string {
  const names = Object.keys(pools);
  return [
    "pools:",
    ...names.flatMap((name) => [
      `  ${name}:`,
      `    servers: [${pools[name].map(({ port }) => `http://127.0.0.1:${port}`)}]`,
    ]),
    "routes:",
    ...names.slice(1).flatMap((name) => [`  - path: /${name}`, `    pool: ${name}`]),
    `  - pool: ${names[0]}`,
    "",
  ].join("\n");
}

test("each learns, and is ordered about, for itself; one goes and comes back with what it had", async () => {
  const servers = await startScripted(taking(5), taking(20), taking(5), taking(5));
  const base = join(tmpdir(), `nb-drill-pools-${process.pid}-${servers[0].port}`);
  const file = `${base}.yaml`;
  const [calm, shop] = [servers.slice(0, 2), servers.slice(2)];
  writeFileSync(file, fileOf({ calm, shop }));
  const product = new Product({
    ...FAST,
    CONFIG_FILE: file,
    DATA_DIR: base,
    ML_TRAIN_INTERVAL_SECONDS: "3600",
    TRUSTED_PROXIES: "127.0.0.1",
  });
  const end = async () => {
    await product.end();
    for (const path of [base, file]) rmSync(path, { recursive: true, force: true });
  };
  open.push({ end }, ...servers);
  await product.ready();
  await until(async () => Bun.deepEquals(await rungs(product), BOTH));
  const urls = async (name: string) => (await view(product)).pools[name].servers?.map(({ url }) => url).sort();
  expect(await urls("shop")).toEqual(shop.map(({ port }) => `http://127.0.0.1:${port}`).sort());

  const send = (index: number) => {
    const head = `GET ${index % 2 === 0 ? "/" : "/shop/x"} HTTP/1.1\r\nHost: drill\r\nX-Request-Id: request-${index}`;
    return request(product.port, { raw: `${head}\r\nConnection: close\r\n\r\n` });
  };
  const seen = await load(100, 2000, send);
  expect(seen.why).toEqual({});
  const explain = async (id: string, query = "") => product.admin(`/api/v1/explain/${id}${query}`);
  const explained = (await (await explain("request-1")).json()) as Explanation;
  expect(explained.attempts[0]).toMatchObject({ pool: "shop", candidate_count: 2 });
  expect((await explain("request-1", "?pool=calm")).status).toBe(404);
  await until(() =>
    reading(base, async (store) => (await store.countSamples("calm")) > 0 && (await store.countSamples("shop")) > 0),
  );

  const { pid } = (await view(product)).learner;
  process.kill(pid, "SIGKILL");
  await until(async () => {
    const now = await view(product);
    return now.learner.pid !== pid && Bun.deepEquals(await rungs(product), BOTH);
  });
  expect(isGood(await request(product.port))).toBe(true);

  const unnamed = await order(product, "pause");
  expect([unnamed.status, unnamed.message]).toEqual([400, expect.stringContaining("name one of calm, shop")]);
  const { model_version: version } = (await view(product)).pools.calm;
  const others = await order(product, "promote?pool=shop", { version });
  expect([others.status, others.message]).toEqual([409, `model ${version} is of the pool calm, not of shop`]);
  expect((await order(product, "pause?pool=shop")).status).toBe(200);
  const list = (await (await product.admin("/api/v1/ml/verdicts")).json()) as {
    verdicts: { pool: string; kind: string }[];
  };
  expect(list.verdicts).toMatchObject([{ pool: "shop", kind: "paused" }]);
  const metrics = await (await product.admin("/metrics")).text();
  expect(metrics).toContain('neurabalancer_ml_rung{pool="shop"} 0');

  const champions = (await modelsIn(base)).filter(({ status }) => status === "champion");
  expect(champions.map(({ pool }) => pool).sort()).toEqual(["calm", "shop"]);
  writeFileSync(file, fileOf({ calm }));
  product.process.kill("SIGHUP");
  await until(async () => (await view(product)).pools === undefined && (await view(product)).rung === "model");
  writeFileSync(file, fileOf({ calm, shop }));
  product.process.kill("SIGHUP");
  await until(async () => Bun.deepEquals(await rungs(product), BOTH));
  const back = (await view(product)).pools.shop.model_version;
  expect(back).toBe(champions.find(({ pool }) => pool === "shop")?.version ?? null);
  expect(await load(50, 1000, send)).toMatchObject({ why: {} });
}, 400_000);
