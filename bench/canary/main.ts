/**
 * How soon canaries are decided (docs/canary.md): pools of which the truth is known, at several rates, with the defaults. Nothing
 * is timed: the clock is simulated, and the same seeds give the same table.
 *
 *     npm run bench:canary -- [--seeds 40] [--hours 2]
 */
import { parseArgs } from "node:util";
import { MINUTE, run, SECOND, type World } from "../../test/unit/control/canary/traffic.ts";

const RATES = [20, 200, 2_000];
const POOLS: readonly (readonly [name: string, world: Pick<World, "factor" | "failing">])[] = [
  ["is just as good", {}],
  ["is 30 % faster", { factor: 0.7 }],
  ["is 10 % slower", { factor: 1.1 }],
  ["is 30 % slower", { factor: 1.3 }],
  ["is twice as slow", { factor: 2 }],
  ["fails one request in twenty", { failing: 0.05 }],
  ["fails one in a hundred", { failing: 0.01 }],
  ["fails everything", { failing: 1 }],
];

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "40" }, hours: { type: "string", default: "2" } },
});
const seeds = wholeNumber("seeds", values.seeds);
const untilMs = wholeNumber("hours", values.hours) * 60 * MINUTE;

console.log(`| The pool under trial | ${RATES.map((rate) => `${rate} requests/s`).join(" | ")} |`);
console.log(`|---|${"---|".repeat(RATES.length)}`);
for (const [name, world] of POOLS) {
  const cells = RATES.map((requestsPerSecond) => course({ ...world, requestsPerSecond }));
  console.log(`| ${name} | ${cells.join(" | ")} |`);
}

/** When it was decided, over all seeds. */
function course(world: Omit<World, "seed">): string {
  const endsMs: Record<string, number[]> = {};
  for (let seed = 1; seed <= seeds; seed++) {
    const { acts, canary } = run({ ...world, seed }, untilMs);
    endsMs[canary.state] ??= [];
    endsMs[canary.state].push(acts.at(-1)?.atMs ?? untilMs);
  }
  return Object.entries(endsMs)
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([state, ms]) =>
      state === "running" ? `${ms.length} not decided` : `${ms.length} ${state.replace("_", " ")} in ${timesOf(ms)}`,
    )
    .join(", ");
}

/** `51 s, at most 94 s`: the median, and the most. */
function timesOf(ms: number[]): string {
  ms.sort((a, b) => a - b);
  return `${inWords(ms[(ms.length - 1) >> 1])}, at most ${inWords(ms[ms.length - 1])}`;
}

function inWords(ms: number): string {
  return ms < 3 * MINUTE ? `${Math.round(ms / SECOND)} s` : `${Math.round(ms / MINUTE)} min`;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`--${name} is ${text}; it must be a whole number from 1 up`);
  process.exit(2);
}
