/** `neurabalancer expect`: asks a running instance what the simulator expects of strategies on its traffic of late. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { STRATEGY_NAMES } from "../../balancing/registry.ts";
import type { Expectations } from "../../shared/expectations.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { print, printJson } from "../output.ts";
import { expectationsText } from "./text.ts";

const HELP = `
Asks the admin port of a running instance (ADMIN_PORT), which replays what it recorded (HISTORY=on), in a process of its own and at
a low priority, and keeps the answer for a minute. There are figures only where the model gives again what really happened.
neurabalancer replay does the same with more choices, from any store or log. docs/replay.md says what no replay can know.

Examples:
  $ neurabalancer expect                                        all strategies, on the last 15 minutes
  $ neurabalancer expect --pool shop --strategies adaptive,p2c --window 1h
  $ neurabalancer settings set LB_STRATEGY=adaptive             and then the switch

Exit codes:
  0  done
  1  wrong usage, or nobody answers there, or nothing is recorded there; standard error says which
  2  nothing to replay: no requests in that window; the output says why
  3  the self-check did not pass: the output says why, and has no figures`;

/** Longer than the instance gives its process. */
const TIMEOUT_MS = 60_000;
/** As `replay` has them. */
const EXIT_CODES: Readonly<Record<Expectations["verdict"], number>> = {
  passed: 0,
  nothing: 2,
  failed: 3,
  impossible: 3,
};

interface ExpectFlags extends AdminFlags {
  readonly pool?: string;
  readonly strategies?: string;
  readonly window?: string;
  readonly json?: boolean;
}

/** Adds the `expect` command to `program`. */
export function registerExpect(program: Command): void {
  withAdminFlags(program.command("expect"))
    .description("show what to expect of other strategies on the traffic of late, before a switch")
    .option("--pool <name>", "which pool of servers, where there are several")
    .addOption(
      new Option("--strategies <names>", "beside the one that ran, separated by commas (default: all)").argParser(
        known,
      ),
    )
    .option("--window <time>", "so much traffic up to now, from 1m to 2h (default: 15m)")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action(run);
}

async function run({ pool, strategies, window, json = false, ...flags }: ExpectFlags): Promise<void> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ pool, strategies, window })) {
    if (value !== undefined) query.set(name, value);
  }
  const answer = await askAdmin(flags, `/api/v1/expectations?${query}`, { timeoutMs: TIMEOUT_MS });
  const expectations = answer as Expectations;
  if (json) printJson(expectations);
  else print(expectationsText(expectations));
  process.exitCode = EXIT_CODES[expectations.verdict];
}

function known(text: string): string {
  const names: readonly string[] = STRATEGY_NAMES;
  const unknown = text.split(",").find((name) => !names.includes(name.trim()));
  if (unknown === undefined) return text;
  throw new InvalidArgumentError(`Unknown strategy "${unknown}": use one of ${names.join(", ")}.`);
}
