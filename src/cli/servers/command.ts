/** `neurabalancer servers`: what the servers of a running instance are doing, and what operators change of them. */
import { type Command, InvalidArgumentError } from "commander";
import { parseDuration } from "../../config/values/units.ts";
import { CAPACITY, parseDecimal, WEIGHT } from "../../shared/ranges.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { type ChangeAnswer, type ChangeFlags, sendChange, tellChange, withChangeFlags } from "../changes/flags.ts";
import { number, whole } from "../numbers.ts";
import { print, printError, printJson } from "../output.ts";
import { findServer, type ListedServer } from "./find.ts";
import { serverTable } from "./text.ts";

const HELP = `
A server is named by its id, its URL, or host:port, as the list shows it. Changes are kept over restarts, until the
configuration itself says something else (neurabalancer overrides list); with --keep false they are for this run.

Examples:
  $ neurabalancer servers list
  $ neurabalancer servers drain 10.0.0.5:3000 --wait --reason "kernel update"
  $ neurabalancer servers maintenance 10.0.0.5:3000 --for 2h
  $ neurabalancer servers activate 10.0.0.5:3000
  $ neurabalancer servers weight 10.0.0.5:3000 0.5
  $ neurabalancer servers weight 10.0.0.5:3000 configured
  $ neurabalancer servers add http://10.0.0.9:3000 --pool shop
  $ neurabalancer servers remove 10.0.0.9:3000 --dry-run

Exit codes:
  0  done, and with --wait no request is in flight there any more
  1  no such server, the instance refuses, or nobody answers there; standard error says which
  2  with --wait: it is done, and requests are still in flight when the time is over`;

const SERVERS = "/api/v1/servers";
/** How long `--wait` waits unless it is said. */
const WAIT_MS = 300_000;
const LOOK_MS = 250;

interface ServerFlags extends ChangeFlags {
  readonly pool?: string;
}

interface WithdrawFlags extends ServerFlags {
  readonly for?: string;
  readonly until?: string;
  /** `true` = as long as usual. */
  readonly wait?: true | number;
}

interface AddFlags extends ServerFlags {
  readonly weight?: number;
  readonly capacity?: number;
  readonly zone?: string;
  readonly backup?: boolean;
}

/** Adds the `servers` command to `program`. */
export function registerServers(program: Command): void {
  const servers = program
    .command("servers")
    .description("show the servers of a running instance, drain, weigh, add and remove them")
    .addHelpText("after", HELP);
  const one = (usage: string, description: string): Command =>
    withChangeFlags(servers.command(usage))
      .description(description)
      .argument("<server>", "id, URL or host:port")
      .option("--pool <name>", "of which pool, where the name alone does not say it");

  withAdminFlags(servers.command("list"))
    .description("all of them")
    .option("--pool <name>", "only this pool's")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { readonly pool?: string; readonly json?: boolean }) => {
      const all = (await list(flags)).filter(({ pool }) => flags.pool === undefined || pool === flags.pool);
      if (flags.json === true) printJson(all);
      else print(serverTable(all));
    });

  withChangeFlags(servers.command("add"))
    .description("add a server to a pool; it begins with a small share, and is checked")
    .argument("<url>", "as an entry of SERVERS")
    .option("--pool <name>", "to which pool, where there are several")
    .option("--weight <n>", "relative share", number(WEIGHT.least, WEIGHT.most))
    .option("--capacity <n>", "most requests in flight", whole(CAPACITY.least, CAPACITY.most))
    .option("--zone <name>", "where it is")
    .option("--backup", "only while the others of its pool are down")
    .action(async (url: string, flags: AddFlags) => {
      const { pool, weight, capacity, zone, backup } = flags;
      const answer = await sendChange(flags, "POST", SERVERS, { url, pool, weight, capacity, zone, backup });
      tellChange(flags, answer, `Added: ${url}.`);
    });

  for (const [state, description] of [
    ["drain", "send nothing new there; what it has it finishes"],
    ["maintenance", "as drain, and it counts as down on purpose: no alert, no panic"],
  ] as const) {
    withWait(one(state, description))
      .option("--for <duration>", "back by itself after this: 30m, 2h")
      .option("--until <time>", "back by itself then: 2026-11-30T02:00:00Z")
      .action(async (name: string, flags: WithdrawFlags) => {
        const server = await find(flags, name);
        const end = { duration: flags.for, until: flags.until };
        const answer = await sendChange(flags, "PATCH", pathOf(server), { state, ...end });
        tellChange(flags, answer, `Done: ${server.url} is ${reasonOf(answer)}.`);
        await waitFor(flags, server, answer);
      });
  }

  one("activate", "take a server back that was drained or in maintenance").action(
    async (name: string, flags: ServerFlags) => {
      const server = await find(flags, name);
      const answer = await sendChange(flags, "PATCH", pathOf(server), { state: "active" });
      tellChange(flags, answer, `Done: ${server.url} is ${reasonOf(answer)}.`);
    },
  );

  withWait(one("remove", "remove a server from its pool; what it has it finishes")).action(
    async (name: string, flags: WithdrawFlags) => {
      const server = await find(flags, name);
      const answer = await sendChange(flags, "DELETE", pathOf(server));
      tellChange(flags, answer, `Removed: ${server.url}.`);
      await waitFor(flags, server, answer);
    },
  );

  one("weight", "change its share")
    .argument("<weight>", "relative to the others; `configured` = as the configuration has it", orConfigured)
    .action(async (name: string, weight: number | null, flags: ServerFlags) => {
      const server = await find(flags, name);
      const answer = await sendChange(flags, "PATCH", pathOf(server), { weight });
      tellChange(flags, answer, `Done: ${server.url} has the weight ${(answer as { weight?: number }).weight}.`);
    });

  one("capacity", "change how many requests may be in flight there")
    .argument("<n>", "0 = as many as come; `configured` = as the configuration has it", orConfigured)
    .action(async (name: string, capacity: number | null, flags: ServerFlags) => {
      const server = await find(flags, name);
      const answer = await sendChange(flags, "PATCH", pathOf(server), { capacity });
      const { hard_limit: limit } = answer as { hard_limit?: number };
      tellChange(
        flags,
        answer,
        `Done: ${server.url} takes ${limit === 0 ? "as many requests as come" : `${limit} requests at a time`}.`,
      );
    });
}

function withWait(command: Command): Command {
  return command.option("--wait [duration]", "return when no request is in flight there, or after this (5m)", waitOf);
}

async function list(flags: AdminFlags): Promise<readonly ListedServer[]> {
  return (await askAdmin(flags, SERVERS)) as readonly ListedServer[];
}

async function find(flags: ServerFlags, name: string): Promise<ListedServer> {
  return findServer(await list(flags), name, flags.pool);
}

function pathOf({ id }: ListedServer): string {
  return `${SERVERS}/${id}`;
}

function reasonOf(answer: ChangeAnswer): string {
  const { state, state_reason: why } = answer as Partial<ListedServer>;
  return `${state === "maintenance" ? "in maintenance" : state} (${why})`;
}

/** Until it is idle. Sets the exit code when it is not in time. */
async function waitFor(
  flags: WithdrawFlags,
  { id, url }: ListedServer,
  { dry_run: dryRun }: ChangeAnswer,
): Promise<void> {
  if (flags.wait === undefined || dryRun === true) return;
  const limitMs = flags.wait === true ? WAIT_MS : flags.wait;
  const endMs = performance.now() + limitMs;
  for (;;) {
    const inFlight = (await list(flags)).find((server) => server.id === id)?.active_connections ?? 0;
    if (inFlight === 0) break;
    if (performance.now() >= endMs) {
      printError(`neurabalancer: ${url} still has ${inFlight} requests in flight after ${limitMs / 1000} s`);
      process.exitCode = 2;
      return;
    }
    await Bun.sleep(LOOK_MS);
  }
  if (flags.json !== true) print(`Idle: no request is in flight at ${url}.`);
}

function waitOf(text: string): number {
  const amount = parseDuration(text)?.amount;
  if (amount !== undefined) return amount;
  throw new InvalidArgumentError("Expected a duration: 30s, 5m.");
}

/** `null` = as configured. What else it may be the instance knows. */
function orConfigured(text: string): number | null {
  if (text === "configured") return null;
  const value = parseDecimal(text);
  if (Number.isNaN(value)) throw new InvalidArgumentError("Expected a number, or configured.");
  return value;
}
