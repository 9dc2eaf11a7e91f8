/**
 * What becomes of requests that wait for servers at their hard limit, by how the queue is served: `npm run bench:queue`. Seeded,
 * without sockets and without a clock: the same figures everywhere.
 */
import { seededRandom } from "../../src/balancing/random.ts";
import { type Discipline, disciplines, type Waiter } from "./disciplines.ts";

const PLACES = 8;
const SERVICE_MS = 20;
const CAPACITY = (PLACES * 1000) / SERVICE_MS;
/** `QUEUE_TIMEOUT_MS` by default. */
const LONGEST_MS = 1000;
/** After so long clients have no use for an answer; half of them hang up, the others wait on. */
const DEADLINE_MS = 500;
const SECONDS = 60;
const SEEDS = 5;
const QUEUE_SIZE = 1024;

/** Requests in a second, at a second of the run, in capacities. */
interface Scenario {
  readonly name: string;
  readonly load: (second: number) => number;
}

const SCENARIOS: readonly Scenario[] = [
  { name: "0.9 of what they can", load: () => 0.9 },
  { name: "0.7, a burst of 3 for half a second each 10 s", load: (second) => (second % 10 < 0.5 ? 3 : 0.7) },
  { name: "1.1, lasting", load: () => 1.1 },
  { name: "1.5, lasting", load: () => 1.5 },
  { name: "3, lasting", load: () => 3 },
];

interface Result {
  served: number;
  inTime: number;
  refused: number;
  arrived: number;
  readonly waits: number[];
  readonly refusals: number[];
}

interface Event {
  readonly atMs: number;
  readonly what: "arrival" | "free" | "look" | "leave";
  readonly waiter?: Waiter;
}

function run(queue: Discipline, { load }: Scenario, seed: number, result: Result): void {
  const random = seededRandom(seed).next;
  const exponential = (mean: number): number => -Math.log(1 - random()) * mean;
  const events: Event[] = [];
  const plan = (event: Event): void => {
    let at = events.length;
    while (at > 0 && events[at - 1].atMs < event.atMs) at--;
    events.splice(at, 0, event); // the next one stands last
  };
  const over = new Set<Waiter>();
  let free = PLACES;
  const refuse = (waiters: readonly Waiter[], nowMs: number): void => {
    for (const waiter of waiters) {
      over.add(waiter);
      result.refused++;
      result.refusals.push(nowMs - waiter.arrivedMs);
    }
  };
  const serve = (nowMs: number): void => {
    refuse(queue.refused(nowMs), nowMs);
    for (; free > 0; free--) {
      const waiter = queue.next(nowMs);
      if (waiter === undefined) return;
      over.add(waiter);
      const doneMs = nowMs + exponential(SERVICE_MS);
      result.served++;
      result.waits.push(nowMs - waiter.arrivedMs);
      if (doneMs - waiter.arrivedMs <= DEADLINE_MS) result.inTime++;
      plan({ atMs: doneMs, what: "free" });
    }
  };
  plan({ atMs: 0, what: "arrival" });
  plan({ atMs: 0, what: "look" });
  for (let event = events.pop(); event !== undefined && event.atMs < SECONDS * 1000; event = events.pop()) {
    const { atMs, what } = event;
    if (what === "free") free++;
    else if (what === "look") plan({ atMs: atMs + 50, what: "look" });
    else if (what === "leave") {
      const waiter = event.waiter as Waiter;
      if (!over.has(waiter)) queue.remove(waiter);
      over.delete(waiter);
    } else {
      const waiter = { arrivedMs: atMs };
      result.arrived++;
      if (queue.length >= QUEUE_SIZE) refuse([waiter], atMs);
      else queue.push(waiter);
      if (random() < 0.5) plan({ atMs: atMs + DEADLINE_MS, what: "leave", waiter });
      plan({ atMs: atMs + exponential(1000 / (CAPACITY * load(atMs / 1000))), what: "arrival" });
    }
    serve(atMs);
  }
}

function quantile(values: readonly number[], q: number): string {
  if (values.length === 0) return "-";
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))].toFixed(0);
}

const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

for (const scenario of SCENARIOS) {
  process.stdout.write(`\n${scenario.name}\n`);
  for (const { name } of disciplines(LONGEST_MS)) {
    const result: Result = { served: 0, inTime: 0, refused: 0, arrived: 0, waits: [], refusals: [] };
    for (let seed = 1; seed <= SEEDS; seed++) {
      const queue = disciplines(LONGEST_MS).find((each) => each.name === name);
      if (queue !== undefined) run(queue, scenario, seed, result);
    }
    const perSecond = result.inTime / SECONDS / SEEDS;
    process.stdout.write(
      `  ${name.padEnd(14)} in time ${share(perSecond, CAPACITY)} of capacity; waits p50 ${quantile(result.waits, 0.5)} ms, ` +
        `p99 ${quantile(result.waits, 0.99)} ms; refused ${share(result.refused, result.arrived)}, ` +
        `after ${quantile(result.refusals, 0.5)} ms\n`,
    );
  }
}
