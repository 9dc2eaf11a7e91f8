/** The clients' process: it sends the same requests at the same moments to all contestants. */
import { seededRandom } from "../../src/balancing/random.ts";
import { Latencies } from "../load/latencies.ts";
import { Clients } from "./clients.ts";
import type { FromClients, ToClients } from "./messages.ts";
import { createPlan } from "./plan.ts";

/** As fine as timers are. */
const TICK_MS = 1;
const SWEEP_MS = 100;

async function run({ spec, contestants, choice, startsAtMs, warmUpMs, timeoutMs }: ToClients): Promise<FromClients> {
  const startMs = performance.now() + startsAtMs - Date.now();
  const clock = (): number => performance.now() - startMs;
  const plan = createPlan(spec);
  const { dueMs } = plan;
  const finished = Promise.withResolvers<void>();
  let unfinished = contestants.length;
  const onDone = (): void => {
    if (--unfinished === 0) finished.resolve();
  };
  const { next: random } = seededRandom(spec.seed);
  const all = contestants.map((targets) => new Clients({ plan, targets, choice, clock, random, timeoutMs, onDone }));
  for (const clients of all) await clients.open();
  if (clock() > 0) throw new Error("connecting took so long that the run had begun");
  const late = new Latencies(dueMs.length);
  let next = 0;
  const ticker = setInterval(() => {
    const nowMs = clock();
    for (; next < dueMs.length && dueMs[next] <= nowMs; next++) {
      // Another one comes first each time, because all of these share the machine's cores.
      for (let i = 0; i < all.length; i++) all[(next + i) % all.length].send(next);
      late.add(clock() - dueMs[next]);
    }
  }, TICK_MS);
  const sweeper = setInterval(() => {
    for (const clients of all) clients.sweep();
  }, SWEEP_MS);
  await finished.promise;
  clearInterval(ticker);
  clearInterval(sweeper);
  for (const clients of all) clients.close();
  return { type: "done", figures: all.map((clients) => clients.figures(warmUpMs)), lateP99Ms: late.quantiles(0.99)[0] };
}

process.on("message", (message: ToClients) => {
  run(message).then(
    (answer) => void process.send?.(answer),
    (error: Error) => void process.send?.({ type: "failed", message: error.message } satisfies FromClients),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ type: "ready" } satisfies FromClients);
