/** Is the evolved network better than the one it came from, on tasks that neither was made for? */
import { seededRandom } from "../../balancing/random.ts";
import type { Network } from "../../learning/models/network.ts";
import { type Estimate, estimate, mean } from "../../simulator/statistics.ts";
import { drawTasks, lossOf, type TaskFigures } from "./fitness.ts";
import type { Laboratory } from "./laboratory.ts";

/** How much is simulated. */
export interface ExamOptions {
  /** Draws of all tasks. */
  readonly rounds: number;
  /** Per task. */
  readonly requests: number;
  readonly seed: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** One kind of task. Gaps are mean differences of the tail to the best yardstick, as shares: 0.02 is 2 % above it. */
export interface ScenarioGap {
  /** A built-in scenario, or `random`. */
  readonly scenario: string;
  /** 0 = of any number. */
  readonly balancers: number;
  readonly start: number;
  readonly evolved: number;
}

/** Losses as in fitness.ts: below 0 is better than the yardsticks. */
export interface ExamReport {
  readonly tasks: number;
  readonly start: number;
  readonly evolved: number;
  /** Loss of the evolved network less that of the start, task by task, with its 95 % interval. */
  readonly difference: Estimate;
  readonly scenarios: readonly ScenarioGap[];
  /** The evolved network is the better one. */
  readonly passed: boolean;
}

/** Runs both over the same tasks. Deterministic by seed. */
export async function examine(
  start: Network,
  evolved: Network,
  laboratory: Laboratory,
  { rounds, requests, seed, onProgress }: ExamOptions,
): Promise<ExamReport> {
  const { nextUint32 } = seededRandom(seed);
  const tasks = Array.from({ length: rounds }, () => drawTasks(nextUint32(), requests)).flat();
  const total = 3 * tasks.length;
  let done = 0;
  const each = (run: (task: (typeof tasks)[number]) => Promise<TaskFigures>) =>
    Promise.all(
      tasks.map(async (task) => {
        const figures = await run(task);
        onProgress?.(++done, total);
        return figures;
      }),
    );
  const [references, ofStart, ofEvolved] = await Promise.all([
    each((task) => laboratory.run({ kind: "reference", task })),
    each((task) => laboratory.run({ kind: "trial", task, network: start })),
    each((task) => laboratory.run({ kind: "trial", task, network: evolved })),
  ]);
  const lossAt = (figures: readonly TaskFigures[], i: number) => lossOf([figures[i]], [references[i]]);
  const difference = estimate(tasks.map((_, i) => lossAt(ofEvolved, i) - lossAt(ofStart, i)));
  const groups = new Map<string, number[]>();
  for (const [i, { scenario }] of tasks.entries()) {
    const random = scenario.name.startsWith("random-");
    const key = random ? "random 0" : `${scenario.name} ${scenario.balancers}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  const gap = (figures: readonly TaskFigures[], of: readonly number[]) =>
    Math.expm1(mean(of.map((i) => figures[i].tail - references[i].tail)));
  return {
    tasks: tasks.length,
    start: lossOf(ofStart, references),
    evolved: lossOf(ofEvolved, references),
    difference,
    scenarios: [...groups].map(([key, of]) => {
      const [scenario, balancers] = key.split(" ");
      return { scenario, balancers: Number(balancers), start: gap(ofStart, of), evolved: gap(ofEvolved, of) };
    }),
    passed: difference.value < 0,
  };
}
