/**
 * Nanoseconds per pick, for each strategy and some numbers of servers. The fleet is busy and every pick is followed by the
 * outcome of an earlier one, as in a worker; what the harness itself costs is measured and subtracted.
 *
 *     node_modules/.bin/bun bench/micro/pick.ts [servers …]
 */
import { mix32 } from "../../src/balancing/hash.ts";
import { seededRandom } from "../../src/balancing/random.ts";
import { createStrategy, STRATEGY_NAMES } from "../../src/balancing/registry.ts";
import type { FleetView, Strategy } from "../../src/balancing/strategy.ts";

const given = process.argv.slice(2).map(Number);
if (given.some((size) => !Number.isInteger(size) || size < 1))
  throw new Error("how many servers: whole numbers from 1");
const SIZES = given.length > 0 ? given : [3, 10, 100];
const ROUNDS = 5;
const MS_PER_PICK = 0.001; // servers are heard of all the time, so that estimates are fresh
const SLOTS = Math.max(512, ...SIZES);

function busyFleet(servers: number): { fleet: FleetView; candidates: Int32Array } {
  const random = seededRandom(1);
  const fleet: FleetView = {
    inFlight: new Int32Array(SLOTS),
    effectiveWeight: new Float64Array(SLOTS).fill(1),
    weight: new Float64Array(SLOTS).fill(1),
    id: new Int32Array(SLOTS),
    identityHash: new Uint32Array(SLOTS),
  };
  for (let slot = 0; slot < servers; slot++) {
    fleet.id[slot] = slot + 1;
    fleet.identityHash[slot] = random.nextUint32();
    fleet.inFlight[slot] = random.nextUint32() % 8;
  }
  return { fleet, candidates: Int32Array.from({ length: servers }, (_, slot) => slot) };
}

/** Nanoseconds per turn: the in-flight counts move by one server each, so that picks differ. */
function time(strategy: Strategy, fleet: FleetView, candidates: Int32Array, picks: number, nowMs: number): number {
  const { inFlight } = fleet;
  const count = candidates.length;
  const started = Bun.nanoseconds();
  for (let i = 0; i < picks; i++) {
    const slot = strategy.pick(candidates, count, mix32(i), nowMs + i * MS_PER_PICK);
    inFlight[slot] = (inFlight[slot] + 1) & 7;
  }
  return (Bun.nanoseconds() - started) / picks;
}

function nsPerPick(name: string, servers: number): number {
  const { fleet, candidates } = busyFleet(servers);
  const strategy = createStrategy(name, { fleet, random: seededRandom(2).next });
  const harness: Strategy = { pick: (slots, count, key) => slots[(key >>> 1) % count] };
  const picks = Math.ceil(2_000_000 / Math.sqrt(servers));
  let nowMs = 0;
  let best = Number.POSITIVE_INFINITY;
  let overhead = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    for (const slot of candidates) strategy.onOutcome?.(slot, 5 + slot, false, nowMs);
    best = Math.min(best, time(strategy, fleet, candidates, picks, nowMs));
    overhead = Math.min(overhead, time(harness, fleet, candidates, picks, nowMs));
    nowMs += picks * MS_PER_PICK;
  }
  return best - overhead;
}

console.log(`${"ns per pick".padEnd(22)}${SIZES.map((n) => `${n} servers`.padStart(14)).join("")}`);
for (const name of STRATEGY_NAMES) {
  const cells = SIZES.map((servers) => nsPerPick(name, servers).toFixed(1).padStart(14));
  console.log(name.padEnd(22) + cells.join(""));
}
