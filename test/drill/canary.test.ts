/** Canaries with real servers and traffic: a bad pool goes back by itself, a good one is promoted, over a restart. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endedAfterAll } from "../support/ended-after-all.ts";
import {
  answer,
  fail,
  figures,
  isGood,
  Load,
  Product,
  request,
  type Scripted,
  startScripted,
  taking,
  until,
} from "./fixture.ts";

const open = endedAfterAll();
const directory = mkdtempSync(join(tmpdir(), "nb-canary-drill-"));
afterAll(() => rmSync(directory, { recursive: true }));

const CANARY = "/api/v1/routes/all/canary";
/** A step has its verdict in seconds. */
const QUICK = { steps: [30, 60, 100], min_duration: "2s", min_requests: 20, max_duration: "10m" };

interface CanaryView {
  readonly state: string;
  readonly verdict: string | null;
  readonly percent: number;
  readonly sentence: string;
}

async function start(name: string, old: Scripted, next: Scripted): Promise<Product> {
  const file = join(directory, `${name}.yaml`);
  const pools = [old, next].map(({ port }, i) => `  ${["old", "next"][i]}: {servers: ["http://127.0.0.1:${port}"]}`);
  writeFileSync(file, ["pools:", ...pools, "routes:", "  - {name: all, path: /, pool: old}", ""].join("\n"));
  const product = await new Product({ CONFIG_FILE: file, DATA_DIR: join(directory, name) }).ready();
  open.push(product);
  return product;
}

async function begin(product: Product, terms: object = {}): Promise<void> {
  const body = JSON.stringify({ pool: "next", ...QUICK, ...terms });
  const headers = { "content-type": "application/json" };
  const response = await product.admin(CANARY, { method: "POST", headers, body });
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
}

const canaryOf = async (product: Product) => (await (await product.admin(CANARY)).json()) as CanaryView;

test("a pool that fails is rolled back by itself, and its route is as it was", async () => {
  const [old, next] = await startScripted(answer, fail);
  open.push(old, next);
  const product = await start("bad", old, next);
  const load = new Load(60, () => request(product.port));
  await begin(product);
  await until(async () => (await canaryOf(product)).state === "rolled_back");
  const { sent, failed } = await load.stop();
  const { verdict, sentence } = await canaryOf(product);
  console.log(`${sent} requests, ${failed} failed: ${sentence}`);
  expect(["worse", "unusable"]).toContain(verdict!);
  const before = next.requests;
  const after = await Promise.all(Array.from({ length: 40 }, () => request(product.port)));
  expect(after.every(isGood)).toBe(true);
  expect(next.requests).toBe(before);
  expect(await product.metric('canary_state{route="all",pool="next",state="rolled_back"}')).toBe(1);
}, 240_000);

test("a pool that does well is promoted, though the balancer is killed on the way", async () => {
  const [old, next] = await startScripted(taking(30), taking(5));
  open.push(old, next);
  const first = await start("good", old, next);
  const before = new Load(60, () => request(first.port));
  await begin(first, { min_duration: "4s" });
  await until(async () => (await canaryOf(first)).percent === 60);
  await before.stop();
  first.process.kill("SIGKILL");
  await first.process.exited;
  const second = await start("good", old, next);
  await until(async () => (await second.admin(CANARY)).status === 200);
  expect(await canaryOf(second)).toMatchObject({ state: "running", percent: 60 });
  const load = new Load(60, () => request(second.port));
  await until(async () => (await canaryOf(second)).state === "promoted");
  const seen = await load.stop();
  figures("a canary that is promoted", seen, { old: old.requests, next: next.requests });
  expect(seen.failed).toBe(0);
  const oldBefore = old.requests;
  await Promise.all(Array.from({ length: 40 }, () => request(second.port)));
  expect(old.requests).toBe(oldBefore);
}, 240_000);
