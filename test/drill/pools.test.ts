/** Several pools and routes: they come and go under load, one melts down, primaries die. The others do not notice. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endedAfterAll } from "../support/ended-after-all.ts";
import {
  answer,
  type Behaviour,
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
const directory = mkdtempSync(join(tmpdir(), "nb-pools-drill-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** Pools by name, each with its servers and whatever else stands there. */
type Pools = Readonly<Record<string, { readonly servers: readonly string[]; readonly more?: string }>>;

const url = ({ port }: Scripted): string => `http://127.0.0.1:${port}`;
const backup = (server: Scripted): string => `{url: "${url(server)}", backup: on}`;

/** A file in which the pool `x` has all paths below `/x`. */
function fileOf(pools: Pools): string {
  const lines = Object.entries(pools).map(([name, { servers, more = "" }]) => {
    return `  ${name}: {servers: [${servers.join(", ")}]${more === "" ? "" : `, ${more}`}}`;
  });
  const routes = Object.keys(pools).map((name) => `  - {name: to-${name}, path: /${name}, pool: ${name}}`);
  return ["pools:", ...lines, "routes:", ...routes, ""].join("\n");
}

async function start(name: string, pools: Pools, settings: Record<string, string> = {}) {
  const file = join(directory, `${name}.yaml`);
  const write = (text: string): void => writeFileSync(file, text);
  write(fileOf(pools));
  const product = await new Product({ CONFIG_FILE: file, OUTLIER_MAX_EJECTED_PERCENT: "100", ...settings }).ready();
  open.push(product);
  return { product, write };
}

const ask = (product: Product, path: string, method = "GET") => request(product.port, { path, method });

test("pools, routes and strategies come, go and are renamed quicker than they are taken over: who stays is served", async () => {
  const servers = await startScripted(answer, answer, answer, answer, answer, taking(300));
  open.push(...servers);
  const [stay1, stay2, extra, other1, other2, slow] = servers;
  const stay = [url(stay1), url(stay2)];
  const { product, write } = await start("reloads", { stay: { servers: stay } });
  const idsOfStay = async () =>
    (await product.servers())
      .filter((server) => stay.includes(server.url))
      .map((server) => [server.pool, server.id, server.url]);
  const ids = await idsOfStay();
  const strategies = ["ml", "p2c", "round_robin", "consistent_hash", "adaptive"];
  const keys = ["a", "b"].map((letter) => letter.repeat(16));
  const fileNumber = (i: number): string => {
    const sticky = i % 3 === 0 ? `, sticky: {cookie: c${i % 2}, keys: [${keys[i % 2]}, ${keys[1 - (i % 2)]}]}` : "";
    const more = `balancing: {strategy: ${strategies[i % strategies.length]}}${sticky}`;
    const some = i % 2 === 0 ? [...stay, url(extra)] : stay;
    const renamed: Pools =
      i % 4 === 0 ? { [`site${i}`]: { servers: [url(other1)] } } : { site: { servers: [url(other2)] } };
    return fileOf({ stay: { servers: some, more }, ...renamed, slow: { servers: [url(slow)], more } });
  };
  const wrong = ["pools: [\n", "", fileOf({ stay: { servers: ["http://no port"] } }), `${fileNumber(1)}nonsense: 1\n`];
  const running = new Load(100, (index) => ask(product, "/stay/x", index % 4 === 0 ? "POST" : "GET"));
  const beside = new Load(20, () => ask(product, "/slow"));
  for (let i = 0; i < 60; i++) {
    write(i % 6 === 5 ? wrong[Math.floor(i / 6) % wrong.length] : fileNumber(i));
    product.process.kill("SIGHUP");
    const { sent } = running;
    await until(() => running.sent > sent + 5);
  }
  // Each of those that are wrong may have been passed over.
  write(wrong[0]);
  product.process.kill("SIGHUP");
  await until(() => product.said("is rejected"));
  write(fileOf({ stay: { servers: stay } }));
  await product.reload();
  const seen = await running.stop();
  const { failed } = await beside.stop();
  figures("reloads of pools", seen, { others: failed });
  expect(seen.sent).toBeGreaterThan(100);
  expect(seen.outcomes.filter((outcome) => !isGood(outcome) || outcome.status !== 200)).toEqual([]);
  expect(await idsOfStay()).toEqual(ids);
  expect(await product.metric("internal_errors_total")).toBe(0);
  // What went leaves nothing behind: neither servers that drain nor requests that somebody counts.
  await until(async () => (await product.servers()).length === stay.length && (await product.inFlight()) === 0);
});

test("a pool that fails in every way takes nothing from the one beside it", async () => {
  const servers = await startScripted(answer, answer, answer, answer);
  open.push(...servers);
  const [good1, good2, bad1, bad2] = servers;
  const { product } = await start(
    "melts",
    {
      good: { servers: [url(good1), url(good2)] },
      bad: {
        servers: [bad1, bad2].map((server) => `{url: "${url(server)}", capacity: 4}`),
        more: "queue: {size: 20, timeout: 500ms}, timeouts: {response_head: 1s}",
      },
    },
    { LB_STRATEGY: "ml" },
  );
  const good = new Load(60, () => ask(product, "/good"));
  const bad = new Load(60, () => ask(product, "/bad"));
  const badServers = async () => (await product.servers()).filter(({ pool }) => pool === "bad");
  const failures = async () => (await badServers()).reduce((sum, server) => sum + server.failures, 0);
  const hang: Behaviour = () => {};
  const cut: Behaviour = (socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
  for (const behaviour of [fail, hang, cut]) {
    const [before, sent] = [await failures(), good.sent];
    for (const server of [bad1, bad2]) server.behaviour = behaviour;
    await until(async () => (await failures()) >= before + 10 && good.sent >= sent + 60);
  }
  await until(async () => (await product.metric("queue_timeouts_total")) > 0);
  for (const server of [bad1, bad2]) await server.stop();
  await until(async () => (await badServers()).every(({ state }) => state === "down"));
  const dead = good.sent;
  await until(() => good.sent >= dead + 60);
  for (const server of [bad1, bad2]) {
    server.behaviour = answer;
    await server.start();
  }
  await until(async () => (await ask(product, "/bad")).status === 200);
  const seen = await good.stop();
  const melted = await bad.stop();
  figures("a pool beside one that melts down", seen, { melted: melted.why });
  expect(melted.failed).toBeGreaterThan(50);
  expect(seen.outcomes.filter((outcome) => outcome.status !== 200 || !outcome.complete)).toEqual([]);
  const beside = (await product.servers()).filter(({ pool }) => pool === "good");
  expect(beside.map((server) => [server.state, server.failures])).toEqual([
    ["up", 0],
    ["up", 0],
  ]);
  // What it learns by is its own: the other pool's failures are no reason to leave its model. A table that was late on a busy
  // machine is one, for as long as it is late.
  await until(async () => (await product.metric('ml_rung{pool="good"}')) === 0);
  await until(async () => (await product.inFlight()) === 0);
  expect(await product.metric("queue_length")).toBe(0);
});

test("primaries die all at once: backups take over, and only what may not be repeated is lost", async () => {
  const servers = await startScripted(taking(20), taking(20), answer);
  open.push(...servers);
  const [first, second, spare] = servers;
  const { product } = await start("backups", { site: { servers: [url(first), url(second), backup(spare)] } });
  const gets = new Load(60, () => ask(product, "/site"));
  const posts = new Load(30, () => ask(product, "/site", "POST"));
  await until(() => gets.sent > 60);
  expect(spare.requests).toBe(0);
  await Promise.all([first.stop(), second.stop()]);
  const sent = gets.sent;
  await until(() => gets.sent > sent + 120 && spare.requests > 100);
  await Promise.all([first.start(), second.start()]);
  await until(async () => (await product.server(spare.port)).state === "standby");
  const seen = await gets.stop();
  const repeatedNever = await posts.stop();
  figures("primaries die", seen, { posts: repeatedNever.why });
  expect(seen.outcomes.filter((outcome) => !isGood(outcome))).toEqual([]);
  // Those that were at a server when it died.
  expect(repeatedNever.failed).toBeLessThan(20);
});
