/** `neurabalancer train --from simulation`. */
import { constants } from "node:os";
import { ThreadLaboratory } from "../../training/simulation/thread-laboratory.ts";
import {
  QUICK_DEFAULTS,
  SIMULATION_DEFAULTS,
  type SimulationReport,
  trainFromSimulation,
} from "../../training/simulation/train-from-simulation.ts";
import { print, printJson } from "../output.ts";
import { Progress } from "../progress.ts";
import { makeOutput, writeTraining } from "./output.ts";

/** The command's options for this source; what is left out has the defaults. */
export interface SimulationTrainingRequest {
  readonly out: string;
  readonly seed: number;
  readonly rows?: number;
  readonly hidden?: number;
  readonly epochs?: number;
  readonly generations?: number;
  readonly population?: number;
  readonly requests?: number;
  readonly threads?: number;
  readonly quick?: boolean;
  readonly json?: boolean;
}

/** Trains, and writes the model and its report. A signal ends the process: nothing is written before the end. */
export async function runSimulationTraining(request: SimulationTrainingRequest): Promise<void> {
  const { out, seed, threads = 1, quick, json } = request;
  const defaults = quick ? QUICK_DEFAULTS : SIMULATION_DEFAULTS;
  const options = {
    seed,
    rows: request.rows ?? defaults.rows,
    hidden: request.hidden ?? defaults.hidden,
    epochs: request.epochs ?? defaults.epochs,
    generations: request.generations ?? defaults.generations,
    population: request.population ?? defaults.population,
    requests: request.requests ?? defaults.requests,
    examRounds: defaults.examRounds,
  };
  makeOutput(out);
  const progress = new Progress(process.stderr, () => performance.now());
  const laboratory = new ThreadLaboratory(threads);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      progress.say(`neurabalancer: stopped by ${signal}; nothing was written`);
      laboratory.close();
      process.exit(128 + constants.signals[signal]);
    });
  }
  const { network, report } = await trainFromSimulation(options, laboratory, {
    onProgress: (phase, done, total) => progress.update(phase, done, total),
    onEpoch: ({ epoch, training, validation }) =>
      progress.say(`epoch ${epoch}: deviance ${training.toFixed(4)}, on rows kept apart ${validation.toFixed(4)}`),
    onGeneration: ({ generation, mean, start, sigma }) =>
      progress.say(
        `generation ${generation}: loss ${mean.toFixed(4)}, of the start ${start.toFixed(4)}; steps ${sigma.toFixed(2)}`,
      ),
  }).finally(() => laboratory.close());
  progress.clear();
  writeTraining(out, network, report);
  if (json) printJson(report);
  else print(describe(report, out));
}

function describe({ supervised, exam, verdict }: SimulationReport, out: string): string {
  const { rows, estimator, curves, network } = supervised;
  const lines = [
    `Supervised start on ${rows} rows: deviance ${network.toFixed(4)} (curves alone ${curves.toFixed(4)}, estimator ${estimator.toFixed(4)}).`,
  ];
  if (exam !== null) {
    lines.push("Exam: tail against the best yardstick of each task, evolved (start):");
    for (const { scenario, balancers, evolved, start } of exam.scenarios) {
      const name = balancers === 0 ? scenario : `${scenario}, ${balancers}`;
      lines.push(`  ${name.padEnd(20)} ${percent(evolved)} (${percent(start)})`);
    }
  }
  return [...lines, verdict, `The model and its report are in ${out}.`].join("\n");
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${(share * 100).toFixed(1)} %`.padStart(8);
}
