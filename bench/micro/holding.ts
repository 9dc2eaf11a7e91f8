/**
 * What learned limits cost while nothing is held: nanoseconds of taking a place and giving it back, by strategy and number of
 * servers, with limits off and with limits that leave room, in interleaved rounds.
 *
 *     node_modules/.bin/bun bench/micro/holding.ts
 */
import { FailingServers } from "../../src/balancing/failing-servers.ts";
import { seededRandom } from "../../src/balancing/random.ts";
import { createStrategy } from "../../src/balancing/registry.ts";
import { Picker } from "../../src/proxy/pick/picker.ts";
import { Neighbours } from "../../src/proxy/pool/queue/neighbours.ts";
import { WaitQueue } from "../../src/proxy/pool/queue/wait-queue.ts";
import { NO_WAKES } from "../../src/proxy/pool/queue/wake-sockets.ts";
import { LearnerFigure, LearnerWord } from "../../src/shared/memory/layout/learning.ts";
import { ServerState, SHARED_BYTES, viewSharedMemory } from "../../src/shared/memory/layout/shared-memory.ts";
import { ServerTableWriter } from "../../src/shared/memory/server-table/writer.ts";

const SIZES = [3, 10, 100, 512];
const ROUNDS = 9;
const TURNS = 200_000;
const POOL = 0;
const REQUEST = {
  key: 0,
  sticky: null,
  idempotent: true,
  requestIdBuffer: Buffer.alloc(0),
  requestIdStart: 0,
  requestIdEnd: 0,
  requestClass: 0,
};

function turns(strategyName: string, servers: number, learns: boolean): () => number {
  const memory = viewSharedMemory(new SharedArrayBuffer(SHARED_BYTES));
  const own = memory.workers[0];
  const failing = new FailingServers(memory.servers, {
    consecutiveFailures: 5,
    maxEjectedPercent: 50,
    baseEjectionMs: 1000,
  });
  const fleet = { ...memory.servers, identityHash: new Uint32Array(memory.servers.id.length) };
  const strategy = createStrategy(strategyName, { fleet, random: seededRandom(1).next });
  const picker = new Picker({ memory, own, pool: POOL, failing, strategy, decisions: null });
  const queue = new WaitQueue({
    block: own,
    row: POOL,
    pool: picker,
    neighbours: new Neighbours(memory, 0, NO_WAKES, () => 0),
    now: () => 0,
    onError: (error) => {
      throw error;
    },
  });
  queue.configure(1024, 1000);
  picker.room.setLearning(learns);
  const slots = Array.from({ length: servers }, (_, slot) => slot);
  const row = { pool: POOL, state: ServerState.UP, weight: 1, effectiveWeight: 1, capacity: 10, hardLimit: 0 };
  new ServerTableWriter(memory).publish(new Map(slots.map((slot) => [slot, { ...row, id: slot + 1 }])), POOL, false);
  picker.setKnownIds(slots.map((slot) => [slot, slot + 1] as const));
  const { limit, limitId, words, figures } = memory.learned[POOL];
  for (const slot of slots) {
    limit[slot] = 4;
    limitId[slot] = slot + 1;
  }
  words[LearnerWord.HOLDING] = 1;
  figures[LearnerFigure.PATIENCE_MS] = 100;
  figures[LearnerFigure.LIMITS_MS] = 1;
  const taken = new Int32Array(8).fill(-1);
  return () => {
    const started = Bun.nanoseconds();
    for (let i = 0; i < TURNS; i++) {
      const at = i & 7;
      if (taken[at] >= 0) {
        picker.release(taken[at], 0);
        queue.onFreed(1);
      }
      taken[at] = queue.mustWait(1) === 0 ? picker.acquire(REQUEST, 1, []) : -1;
    }
    return (Bun.nanoseconds() - started) / TURNS;
  };
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

console.log("ns to take a place and give it back, median of rounds: limits off, on, difference");
for (const strategy of ["round_robin", "adaptive"]) {
  for (const servers of SIZES) {
    const off = turns(strategy, servers, false);
    const on = turns(strategy, servers, true);
    const rounds = Array.from({ length: ROUNDS }, () => [off(), on()]);
    const [without, withLimits] = [0, 1].map((i) => median(rounds.map((round) => round[i])));
    const cells = [without, withLimits, withLimits - without].map((ns) => ns.toFixed(0).padStart(8)).join("");
    console.log(`${strategy.padEnd(14)}${`${servers}`.padStart(4)} servers${cells}`);
  }
}
