/** `neurabalancer migrate`: versions of the store's tables: which there are, forward, and back. */
import { type Command, InvalidArgumentError } from "commander";
import { openSchemaKeeper } from "../../storage/open-store.ts";
import { SCHEMA_VERSION, type SchemaKeeper, type SchemaState } from "../../storage/schema-keeper.ts";
import { print, printError, printJson } from "../output.ts";
import { withSourceFlags } from "../source-flags.ts";
import { type StoreFlags, storeLocation } from "../store-location.ts";
import { lossesOf, pendingOf } from "./plan.ts";
import { doneText, lossText, statusText } from "./text.ts";

const HELP = `
An instance brings its store up to date when it starts; this command does it ahead, and is the way back to an older release:
stop the instance, go back, start the older release. "status" may be asked at any time.

Examples:
  $ neurabalancer migrate status                          which versions are there, and what is pending
  $ neurabalancer migrate                                 to the version of this release
  $ neurabalancer migrate --to 3 --allow-data-loss        back; what is lost is said first

Exit codes:
  0  done, or there was nothing to do
  1  an instance uses the store, it cannot be read or written, or data would be lost and --allow-data-loss is not given`;

interface MigrateFlags extends StoreFlags {
  readonly to?: number;
  readonly allowDataLoss?: boolean;
}

/** Adds the `migrate` command to `program`. */
export function registerMigrate(program: Command): void {
  const withFlags = (command: Command) =>
    withSourceFlags(command).option("--data-dir <dir>", "directory of the store (default: DATA_DIR)");
  const migrate = withFlags(program.command("migrate"))
    .description("bring the store's tables to the version of this release, or back to an older one")
    .option("--to <version>", "to this version (default: that of this release)", versionOf)
    .option("--allow-data-loss", "go back also where data is lost")
    .addHelpText("after", HELP)
    .action(async (flags: MigrateFlags) => {
      await keeping(flags, (keeper) => run(keeper, flags));
    });
  withFlags(migrate.command("status"))
    .description("which versions there are, and what is pending")
    .option("--json", "print JSON")
    .action(async (_flags: StoreFlags, command: Command) => {
      // What is given before "status" counts as well.
      const flags = command.optsWithGlobals() as StoreFlags & { json?: boolean };
      await keeping(flags, (keeper) => status(keeper, flags.json === true));
    });
}

async function keeping(flags: StoreFlags, work: (keeper: SchemaKeeper) => Promise<void>): Promise<void> {
  const keeper = openSchemaKeeper(await storeLocation(flags), Date.now);
  try {
    await work(keeper);
  } finally {
    await keeper.close();
  }
}

async function run(keeper: SchemaKeeper, { to = SCHEMA_VERSION, allowDataLoss = false }: MigrateFlags): Promise<void> {
  const states = await keeper.state();
  const broken = states.find(({ problem }) => problem !== null);
  if (broken?.problem != null) throw new Error(broken.problem);
  const losses = lossesOf(states, keeper, to);
  if (losses.length > 0) {
    printError(lossText(losses, to));
    if (!allowDataLoss) throw new Error("nothing was done: --allow-data-loss goes back all the same");
  }
  let done = 0;
  await keeper.migrate(to, (name, from, next) => {
    done++;
    print(`${name}: schema ${from} → ${next}`);
  });
  print(doneText(await keeper.state(), to, done));
}

async function status(keeper: SchemaKeeper, json: boolean): Promise<void> {
  const states = await keeper.state();
  const known = states.map((state) => ({ ...state, pending: pendingOf(state, keeper.steps) }));
  if (json) printJson({ version: SCHEMA_VERSION, stores: known, steps: keeper.steps });
  else print(statusText(known, keeper.steps));
  if (states.some(({ problem }: SchemaState) => problem !== null)) process.exitCode = 1;
}

function versionOf(text: string): number {
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= SCHEMA_VERSION) return value;
  throw new InvalidArgumentError(`Expected a version from 1 to ${SCHEMA_VERSION}.`);
}
