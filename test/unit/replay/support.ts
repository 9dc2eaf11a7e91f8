/** Recordings for tests: of simulated fleets, so that the truth is known. */
import { seededRandom } from "../../../src/balancing/random.ts";
import { type RecordOptions, recordSimulation } from "../../../src/replay/record-simulation.ts";
import type { Recording } from "../../../src/replay/recording.ts";
import { parsePolicy } from "../../../src/simulator/policy.ts";
import type { Scenario } from "../../../src/simulator/scenario.ts";
import { builtInScenario, DEFAULT_BASE } from "../../../src/simulator/scenarios.ts";

/** A built-in scenario as the arena has it. */
export function arenaScenario(name: string): Scenario {
  return builtInScenario(name, { ...DEFAULT_BASE, meanMs: 40 });
}

/** What a balancer with that strategy would have recorded. */
export function record(scenario: Scenario, strategy: string, options: Partial<RecordOptions> = {}): Recording {
  return recordSimulation(scenario, parsePolicy(strategy), { requests: 8000, seed: 1, ...options }).recording;
}

/** Of single requests only a part, chosen by chance, with exact arrivals by second: as the store has them under a cap. */
export function sampled(recording: Recording, share: number, random: () => number): Recording {
  const { requests, durationMs, classes } = recording;
  const kept = Array.from(requests.atMs.keys()).filter(() => random() < share);
  const seconds = Math.ceil(durationMs / 1000);
  const arrivals = new Float64Array(seconds * classes.length);
  for (const [i, atMs] of requests.atMs.entries()) {
    const second = Math.min(seconds - 1, Math.floor(atMs / 1000));
    arrivals[second * classes.length + requests.class[i]]++;
  }
  return {
    ...recording,
    arrivals,
    requests: {
      atMs: Float64Array.from(kept, (i) => requests.atMs[i]),
      server: Int16Array.from(kept, (i) => requests.server[i]),
      class: Int16Array.from(kept, (i) => requests.class[i]),
      latencyMs: Float32Array.from(kept, (i) => requests.latencyMs[i]),
      waitMs: Float32Array.from(kept, (i) => requests.waitMs[i]),
      failed: Uint8Array.from(kept, (i) => requests.failed[i]),
      inFlight: Int16Array.from(kept, (i) => requests.inFlight[i]),
      weight: new Float32Array(kept.length).fill(1 / share),
    },
  };
}

/** Servers that take nearly the same time for every request, however many they have: two requests in a millisecond, to each in turn. */
export function steady(latenciesMs: readonly number[]): Recording {
  const random = seededRandom(5).next;
  const drawn = (meanMs: number): number => -meanMs * Math.log(1 - random());
  const count = 6000;
  const atMs = new Float64Array(count);
  const latencyMs = new Float32Array(count);
  const server = new Int16Array(count);
  for (let i = 0, nowMs = 0; i < count; i++) {
    nowMs += drawn(0.5);
    atMs[i] = nowMs;
    server[i] = i % latenciesMs.length;
    latencyMs[i] = latenciesMs[server[i]] + drawn(0.5);
  }
  return {
    source: "steady servers",
    startMs: 0,
    durationMs: Math.ceil(atMs[count - 1]),
    strategy: "round_robin",
    servers: latenciesMs.map((ms) => ({ name: `${ms} ms`, weight: 1, capacity: null })),
    classes: ["all"],
    requests: {
      atMs,
      server,
      class: new Int16Array(count),
      latencyMs,
      waitMs: new Float32Array(count),
      failed: new Uint8Array(count),
      inFlight: new Int16Array(count).fill(-1),
      weight: new Float32Array(count).fill(1),
    },
    arrivals: null,
    absences: [],
  };
}
