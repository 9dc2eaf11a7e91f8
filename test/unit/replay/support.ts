/** Recordings for tests: of simulated fleets, so that the truth is known. */
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
