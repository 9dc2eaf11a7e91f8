/** Evolution of a network by how well it routes: every trial of a generation is simulated on the same tasks. */
import { seededRandom } from "../../balancing/random.ts";
import type { Network } from "../../learning/models/network.ts";
import { Evolution } from "./evolution.ts";
import { drawTasks, lossOf, type TaskFigures } from "./fitness.ts";
import type { Laboratory } from "./laboratory.ts";
import { networkAt, pointOf, spreadOf } from "./search-space.ts";

/** How long and how thoroughly it is searched. */
export interface EvolveOptions {
  readonly generations: number;
  /** Trials in each, even, ≥ 4. */
  readonly population: number;
  /** Per task. */
  readonly requests: number;
  readonly seed: number;
  readonly onGeneration?: (generation: GenerationReport) => void;
  /** Told after each simulation of a generation. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** One generation. Losses as in fitness.ts, on this generation's tasks: below 0 is better than the yardsticks. */
export interface GenerationReport {
  readonly generation: number;
  /** Size of the steps, relative to the first. */
  readonly sigma: number;
  /** Of what the search began with. */
  readonly start: number;
  /** Of the centre of the search, before it learned from this generation. */
  readonly mean: number;
  /** Of the luckiest trial. */
  readonly best: number;
}

/** The centre of the search at its end: trials are lucky or unlucky, their mean is not. Deterministic by seed. */
export async function evolveNetwork(
  start: Network,
  laboratory: Laboratory,
  { generations, population, requests, seed, onGeneration, onProgress }: EvolveOptions,
): Promise<{ readonly network: Network; readonly generations: readonly GenerationReport[] }> {
  const { nextUint32 } = seededRandom(seed);
  const evolution = new Evolution(pointOf(start), spreadOf(start), population, seededRandom(nextUint32()).next);
  const reports: GenerationReport[] = [];
  for (let generation = 1; generation <= generations; generation++) {
    const tasks = drawTasks(nextUint32(), requests);
    const networks = [
      start,
      networkAt(start, evolution.mean),
      ...evolution.ask().map((point) => networkAt(start, point)),
    ];
    const total = tasks.length * (networks.length + 1);
    let done = 0;
    const counted = <T>(work: Promise<T>): Promise<T> =>
      work.then((result) => {
        onProgress?.(++done, total);
        return result;
      });
    const [references, ...figures] = await Promise.all([
      Promise.all(tasks.map((task) => counted(laboratory.run({ kind: "reference", task })))),
      ...networks.map((network) =>
        Promise.all(tasks.map((task) => counted(laboratory.run({ kind: "trial", task, network })))),
      ),
    ]);
    const losses = figures.map((of: readonly TaskFigures[]) => lossOf(of, references));
    const sigma = evolution.sigma;
    const trials = losses.slice(2);
    evolution.tell(trials);
    const report = { generation, sigma, start: losses[0], mean: losses[1], best: Math.min(...trials) };
    reports.push(report);
    onGeneration?.(report);
  }
  return { network: networkAt(start, evolution.mean), generations: reports };
}
