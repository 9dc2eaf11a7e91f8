/** `neurabalancer train`: makes a model, from simulations or from the samples of one's own traffic. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { number, whole } from "../numbers.ts";
import type { SimulationTrainingRequest } from "./from-simulation.ts";
import type { StoreTrainingRequest } from "./from-store.ts";

const HELP = `
From simulation: rows from simulated fleets, a network fitted to them, then evolution by how well it routes. The same
arguments make the same model on the same kind of machine, whatever --threads is. The shipped model is made so.
From store: trains the present champion (or the shipped model) further on the samples in DATA_DIR, judges it on the newest of
them, and leaves it in a directory or, with --propose, in the store as a candidate, which a running instance then tries.
docs/training.md explains both, and the reports.

Examples:
  $ neurabalancer train --from simulation --seed 1 --out ./model --threads 2       20 minutes: the shipped model
  $ neurabalancer train --from simulation --seed 1 --out ./model --quick           a minute: to see how it goes
  $ neurabalancer train --from store --out ./model                                 what does my traffic teach?
  $ neurabalancer train --from store --propose                                     let the running instance try it

Writes load_balancer.onnx, scaler.json, inference_features.json, report.json and report.html.

Exit codes:
  0    done
  1    wrong usage, or it failed; standard error says why
  2    the store has too few samples to learn from
  3    --propose: not proposed, because it does not predict held-out samples better than the current model
  130  stopped by Ctrl-C (143: by SIGTERM); nothing was written`;

type Flags = Partial<SimulationTrainingRequest & StoreTrainingRequest> & { readonly from: "simulation" | "store" };

/** Options that only one of the two takes, as commander names them. */
const ONLY: Readonly<Record<Flags["from"], readonly string[]>> = {
  simulation: ["hidden", "generations", "population", "requests", "threads", "quick"],
  store: [
    "pool",
    "dataDir",
    "storeOnStdin",
    "config",
    "envFile",
    "propose",
    "rate",
    "decay",
    "holdOut",
    "halfLifeHours",
  ],
};

/** Adds the `train` command to `program`. */
export function registerTrain(program: Command): void {
  const command = program
    .command("train")
    .description("make a model, from simulations or from the samples of your own traffic")
    .addOption(
      new Option("--from <source>", "where rows come from").choices(["simulation", "store"]).makeOptionMandatory(),
    )
    .option("--out <dir>", "where the model goes; made when it is missing")
    .addOption(new Option("--seed <n>", "chooses all that is drawn").default(1).argParser(whole(0, 0xffffffff)))
    .addOption(new Option("--rows <n>", "most rows to learn from (default: 200000)").argParser(whole(100, 5_000_000)))
    .addOption(new Option("--epochs <n>", "times that each row is learned from (default: 5)").argParser(whole(1, 1000)))
    .option("--json", "print the report as JSON")
    .optionsGroup("From simulation:")
    .addOption(new Option("--hidden <n>", "hidden units (default: 12)").argParser(whole(1, 256)))
    .addOption(new Option("--generations <n>", "of evolution (default: 60); 0 = none").argParser(whole(0, 100_000)))
    .addOption(new Option("--population <n>", "trials in each, even (default: 16)").argParser(even(4, 1000)))
    .addOption(new Option("--requests <n>", "per simulation (default: 24000)").argParser(whole(500, 10_000_000)))
    .addOption(new Option("--threads <n>", "simulations at the same time (default: 1)").argParser(whole(1, 256)))
    .option("--quick", "little of everything: to see that it works")
    .optionsGroup("From store:")
    .option("--pool <name>", "the pool of servers whose samples are learned from (default: default)")
    .option("--data-dir <dir>", "directory of the store (default: DATA_DIR)")
    .addOption(new Option("--store-on-stdin", "for the learner: where the store is, as JSON").hideHelp())
    .option("--config <file>", "read this file of settings in YAML (default: CONFIG_FILE)")
    .option("--env-file <file>", "read this file instead of .env of the current directory")
    .option("--propose", "leave the model in the store as a candidate, at low priority, instead of in a directory")
    .addOption(new Option("--rate <x>", "size of the steps (default: 0.001)").argParser(number(1e-6, 1)))
    .addOption(new Option("--decay <x>", "pull towards the current model (default: 1)").argParser(number(0, 100)))
    .addOption(
      new Option("--hold-out <share>", "newest share, to judge by (default: 0.2)").argParser(number(0.01, 0.9)),
    )
    .addOption(
      new Option("--half-life-hours <n>", "age at which a sample counts half (default: 6)").argParser(
        number(0.01, 1e5),
      ),
    )
    .addHelpText("after", HELP);
  command.action(async (flags: Flags) => {
    for (const [source, names] of Object.entries(ONLY)) {
      if (source === flags.from) continue;
      const wrong = command.options.filter(
        (option) => names.includes(option.attributeName()) && option.attributeName() in flags,
      );
      if (wrong.length === 0) continue;
      throw new Error(`${wrong.map(({ long }) => long).join(", ")}: only with --from ${source}`);
    }
    // Loaded only here: they bring what reads and writes ONNX, which other commands should not wait for.
    if (flags.from === "simulation") {
      if (flags.out === undefined) throw new Error("--out says where the model goes: a directory");
      const { runSimulationTraining } = await import("./from-simulation.ts");
      await runSimulationTraining(flags as SimulationTrainingRequest);
    } else {
      if ((flags.out === undefined) === (flags.propose !== true)) {
        throw new Error(
          "the model goes into a directory (--out <dir>) or into the store (--propose): give one of the two",
        );
      }
      const { runStoreTraining } = await import("./from-store.ts");
      await runStoreTraining(flags as StoreTrainingRequest);
    }
  });
}

function even(low: number, high: number): (text: string) => number {
  const read = whole(low, high);
  return (text) => {
    const value = read(text);
    if (value % 2 === 0) return value;
    throw new InvalidArgumentError("Expected an even number: trials come in mirrored pairs.");
  };
}
