/** The workers stand still, and what is behind them too, as on a machine that is starved or paused: nobody's servers are blamed. */
import { expect, test } from "bun:test";
import { endedAfterAll } from "../../support/ended-after-all.ts";
import {
  answer,
  type Behaviour,
  Load,
  Product,
  request,
  serversOn,
  startScripted,
  until,
} from "../fixture.ts";

const open = endedAfterAll();
const TRY_MS = 1200;
const STANDSTILL_MS = 1300;

/** Works for 300 ms, a little at a time: what it stands still for is no part of it. */
const working: Behaviour = (socket, path, count) => {
  const goOn = (stepsLeft: number): void => {
    if (stepsLeft === 0) answer(socket, path, count);
    else setTimeout(() => goOn(stepsLeft - 1), 10);
  };
  goOn(30);
};

/** On a machine that starves them, servers of this process are slow for real: then it is looked at again. */
const LOOKS = 3;

test.each([
  ["sockets of our own", "on"],
  ["those of the runtime", "off"],
])("a machine that stands still for longer than an attempt may take fails no attempt (%s)", async (_which, native) => {
  for (let look = 1; ; look++) {
    const { why, retries, states, lostSeconds, workers } = await standStill(native);
    const isStarved = Object.keys(why).length > 0 || retries > 0;
    if (isStarved && look < LOOKS) continue;
    expect(why).toEqual({});
    expect(retries).toBe(0);
    expect(states).toEqual(states.map(() => ({ state: "up", failures: 0 })));
    expect(lostSeconds).toBeGreaterThan((workers * STANDSTILL_MS * 0.9) / 1000);
    return;
  }
});

/** Runs the product under load, and has its workers and everything around them stand still once. */
async function standStill(native: string) {
  const servers = await startScripted(working, working, working);
  const product = await new Product({
    SERVERS: serversOn(...servers),
    LB_STRATEGY: "adaptive",
    NATIVE_SOCKETS: native,
    PER_TRY_TIMEOUT_MS: String(TRY_MS),
    OUTLIER_MAX_EJECTED_PERCENT: "50",
  }).ready();
  open.push(product, ...servers);
  const { workers } = await product.status();
  const load = new Load(100, () => request(product.port));
  await until(() => load.sent > 100);
  await load.caughtUp();
  const before = await product.metric("worker_standstill_seconds_total");

  await until(async () => (await product.inFlight()) > 0);
  for (const { pid } of workers) process.kill(pid, "SIGSTOP");
  try {
    Bun.sleepSync(STANDSTILL_MS); // clients and servers live in this process
  } finally {
    for (const { pid } of workers) process.kill(pid, "SIGCONT");
  }
  await until(() => load.sent > 250);
  const { why } = await load.stop();

  const lostSeconds = (await product.metric("worker_standstill_seconds_total")) - before;
  const states = (await product.servers()).map(({ state, failures }) => ({ state, failures }));
  const retries = await product.metric("retries_total");
  return { why, retries, states, lostSeconds, workers: workers.length };
}
