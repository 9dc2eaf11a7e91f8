/** Runs that were kept, so that what replay makes of them can be looked at again without running anything. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Recording, RecordingRequests } from "../../src/replay/recording.ts";

/** What clients measured of a strategy. */
export interface Measured {
  readonly strategy: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errorShare: number;
}

/** One scenario as it was run: what was recorded, and what clients measured. */
export interface ScenarioRun {
  readonly scenario: string;
  /** The strategy that was recorded. */
  readonly recorded: string;
  readonly recording: Recording;
  readonly measured: readonly Measured[];
  /** How late requests were sent, or answers given, 99 of 100, milliseconds: what the machine added. */
  readonly lateMs: number;
  /** Mean work of a request, milliseconds. */
  readonly meanMs: number;
  /** Share of the machine's cores that was in use, by whomever. */
  readonly busy: number;
}

/** Columns, and what each is made of. */
const COLUMNS = {
  atMs: Float64Array,
  server: Int16Array,
  class: Int16Array,
  latencyMs: Float32Array,
  waitMs: Float32Array,
  failed: Uint8Array,
  inFlight: Int16Array,
  weight: Float32Array,
} as const;

const fileOf = (directory: string, scenario: string): string => join(directory, `${scenario}.json`);

/** Writes a run into a directory, which is made where it is missing. */
export async function keepRun(directory: string, run: ScenarioRun): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const plain = (_: string, value: unknown): unknown =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
  await Bun.write(fileOf(directory, run.scenario), JSON.stringify(run, plain));
}

/** Reads a run that was kept. Rejects when there is none of that scenario. */
export async function readRun(directory: string, scenario: string): Promise<ScenarioRun> {
  const file = Bun.file(fileOf(directory, scenario));
  if (!(await file.exists())) throw new Error(`there is no run of ${scenario} in ${directory}`);
  const run = await file.json();
  const { requests, arrivals } = run.recording;
  const columns = Object.entries(COLUMNS).map(([name, Column]) => [name, Column.from(requests[name])]);
  const recording: Recording = {
    ...run.recording,
    requests: Object.fromEntries(columns) as RecordingRequests,
    arrivals: arrivals === null ? null : Float64Array.from(arrivals),
  };
  return { ...run, recording };
}
