import type { Policy } from "../simulator/policy.ts";
import type { Scenario } from "../simulator/scenario.ts";
import { type EndedRequest, type RunResult, runSimulation } from "../simulator/simulation.ts";
import type { Recording } from "./recording.ts";

/** How much is recorded, and with which numbers drawn. */
export interface RecordOptions {
  readonly requests: number;
  readonly seed: number;
}

/** Runs a simulated scenario, and records what its balancer sees: what really happens is known, and repeats. */
export function recordSimulation(
  scenario: Scenario,
  policy: Policy,
  options: RecordOptions,
): { readonly recording: Recording; readonly result: RunResult } {
  const ended: EndedRequest[] = [];
  const result = runSimulation(scenario, policy, { ...options, warmUpMs: 0, onRequest: (one) => void ended.push(one) });
  ended.sort((a, b) => a.arrivedMs - b.arrivedMs);
  const recording: Recording = {
    source: `simulated scenario ${scenario.name}`,
    startMs: 0,
    durationMs: Math.ceil(ended.at(-1)?.arrivedMs ?? 0),
    strategy: policy.name,
    servers: scenario.servers.map((_, i) => ({ name: `server ${i}`, weight: 1, capacity: null })),
    classes: ["all"],
    requests: {
      atMs: Float64Array.from(ended, ({ arrivedMs }) => arrivedMs),
      server: Int16Array.from(ended, ({ server }) => server),
      class: new Int16Array(ended.length),
      latencyMs: Float32Array.from(ended, ({ latencyMs }) => latencyMs),
      waitMs: new Float32Array(ended.length),
      failed: Uint8Array.from(ended, ({ failed }) => (failed ? 1 : 0)),
      inFlight: Int16Array.from(ended, ({ inFlight }) => inFlight),
      weight: new Float32Array(ended.length).fill(1),
    },
    arrivals: null,
    absences: [],
  };
  return { recording, result };
}
