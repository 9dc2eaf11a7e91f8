/** Requests that are held, and what goes wrong meanwhile: nobody loses one but who was in a process that died. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Backend } from "../../../src/backend/server.ts";
import { figures, isAlive, isGood, Load, report, request, until } from "../fixture.ts";
import { Crowd, HoldingProduct, LEARNING_MS, rateOf, startWorkers } from "./fixture.ts";

setDefaultTimeout(2 * LEARNING_MS);

const WORKERS = [8, 4, 4];
/** More clients than all servers work for at once. */
const CLIENTS = 80;
const ALL = WORKERS.reduce((sum, count) => sum + count);

let backends: Backend[] = [];
let product: HoldingProduct;

beforeAll(async () => {
  backends = startWorkers(...WORKERS);
  product = new HoldingProduct({ SERVERS: backends.map(({ url }) => url).join(","), LB_STRATEGY: "ml" });
  await product.ready();
});

afterAll(async () => {
  await product.end();
  await Promise.all(backends.map((backend) => backend.stop(0)));
});

const knowsAll = async (): Promise<boolean> => (await product.limits(backends)).every((limit) => limit !== null);

/** Waits until there are limits for all servers, under a load that shows them. */
async function learn(): Promise<void> {
  const load = new Load(rateOf(ALL, 0.85), () => request(product.port));
  try {
    await until(knowsAll, LEARNING_MS);
  } finally {
    expect((await load.stop()).why).toEqual({});
  }
}

/** Clients of whom most are held. */
async function crowd(): Promise<Crowd> {
  const clients = new Crowd(product.port, CLIENTS);
  await until(async () => (await product.held()) > CLIENTS / 4);
  return clients;
}

async function expectNothingLeft(): Promise<void> {
  await until(async () => (await product.held()) === 0 && (await product.inFlight()) === 0);
}

test("traffic doubles while limits are learned: none fails, and no limit is far below the truth", async () => {
  const first = new Load(rateOf(ALL, 0.42), () => request(product.port));
  await until(() => first.sent > 200);
  const second = new Load(rateOf(ALL, 0.42), () => request(product.port));
  await until(knowsAll, LEARNING_MS);
  const seen: number[][] = [];
  await until(async () => seen.push((await product.limits(backends)).map((limit) => limit ?? Infinity)) >= 50);
  const all = report([...(await first.stop()).outcomes, ...(await second.stop()).outcomes]);
  const least = WORKERS.map((_, i) => Math.min(...seen.map((limits) => limits[i])));
  figures("limits while traffic doubles", all, { least, last: seen.at(-1) });
  expect(all.why).toEqual({});
  for (const [i, limit] of least.entries()) expect(limit).toBeGreaterThanOrEqual(WORKERS[i] / 2);
  await expectNothingLeft();
});

describe("while requests wait", () => {
  test("a reload and a switch of the strategy lose none, and to switch limits off sends them all at once", async () => {
    await learn();
    const clients = await crowd();
    await product.reload({ IDLE_TIMEOUT_MS: "50000" });
    await product.reload({ LB_STRATEGY: "adaptive" });
    await until(async () => (await product.held()) > CLIENTS / 4, LEARNING_MS);
    await product.reload({ CONCURRENCY_LIMITS: "off" });
    await until(async () => (await product.held()) === 0);
    // All who come are at servers now.
    await until(() => backends.reduce((sum, backend) => sum + backend.stats().in_flight, 0) > CLIENTS * 0.8);
    await product.reload({ LB_STRATEGY: "ml", CONCURRENCY_LIMITS: "learned" });
    const all = report(await clients.leave());
    figures("reloads while requests wait", all);
    expect(all.why).toEqual({});
    await expectNothingLeft();
  });

  test("a worker that is killed takes none along but its own", async () => {
    await learn();
    const clients = await crowd();
    const [{ pid }] = (await product.status()).workers;
    process.kill(pid, "SIGKILL");
    await until(() => !isAlive(pid));
    const goneMs = performance.now();
    const before = clients.outcomes.length;
    // Whoever waits in the other worker is served, and so are those who come.
    await until(() => clients.outcomes.length > before + 2 * CLIENTS);
    const all = report(await clients.leave());
    figures("a worker is killed while requests wait", all);
    // Cut off, and no answer of ours.
    expect(Object.keys(all.why).filter((why) => why !== "cut off 0" && why !== "ECONNRESET")).toEqual([]);
    const lost = all.outcomes.flatMap((outcome, i) => (isGood(outcome) ? [] : [clients.sentMs[i]]));
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.filter((sentMs) => sentMs > goneMs)).toEqual([]);
    // Each client had one request under way by then: those of the others were served.
    expect(lost.length).toBeLessThan(CLIENTS);
    await expectNothingLeft();
  });
});

test("a server that is resized from 8 to 2 workers and back gets another limit, and another one", async () => {
  await learn();
  // On a busy machine the servers do less than they could: more than they can do would say nothing about the size of one.
  const load = new Load(rateOf(ALL - 6, 0.8), () => request(product.port));
  const limit = async (): Promise<number> => (await product.limits(backends))[0] ?? Infinity;
  backends[0].turn({ concurrency: 2 });
  await until(async () => (await limit()) <= 4, LEARNING_MS);
  const small = await product.limits(backends);
  backends[0].turn({ concurrency: 8 });
  await until(async () => (await limit()) >= 8, LEARNING_MS);
  const all = await load.stop();
  figures("a server is resized", all, { small, large: await product.limits(backends) });
  expect(all.why).toEqual({});
  await expectNothingLeft();
});
