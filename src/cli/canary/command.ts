/** `neurabalancer canary`: pools that are put to the test on a running instance. */
import { type Command, InvalidArgumentError } from "commander";
import type { CanaryReport } from "../../control/canary/report.ts";
import { CANARY_LIMITS } from "../../shared/operations/canary.ts";
import { parseDecimal } from "../../shared/ranges.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import {
  type ChangeAnswer,
  type ChangeFlags,
  sendChange,
  tellChange,
  withChangeFlags,
  yesOrNo,
} from "../changes/flags.ts";
import { number, whole } from "../numbers.ts";
import { print, printJson } from "../output.ts";
import { canaryTable, canaryText } from "./text.ts";

const HELP = `
Another pool gets a growing share of a route's requests. What its requests cost (time and failures) is compared with the
other pools, over the same seconds: worse goes back at once, no worse goes on to the next step, and with the last one it is
promoted. docs/canary.md says how, and what that is worth.

Examples:
  $ neurabalancer canary start shop shop-next
  $ neurabalancer canary start shop shop-next --steps 1,10,50,100 --min-duration 10m --reason "release 7"
  $ neurabalancer canary start shop shop-next --auto false        say it, and do nothing
  $ neurabalancer canary show shop
  $ neurabalancer canary set shop --percent 50
  $ neurabalancer canary promote shop --reason "good enough"
  $ neurabalancer canary rollback shop
  $ neurabalancer canary forget shop                              no longer show one that has ended

Exit codes:
  0  done
  1  there is none, the instance refuses, or nobody answers there; standard error says which`;

interface TermsFlags extends ChangeFlags {
  readonly percent?: number;
  readonly steps?: readonly number[];
  readonly auto?: boolean;
  readonly minDuration?: string;
  readonly minRequests?: number;
  readonly maxDuration?: string;
  readonly tolerance?: number;
}

/** Adds the `canary` command to `program`. */
export function registerCanary(program: Command): void {
  const canary = program
    .command("canary")
    .description("put a pool to the test on a running instance, with a growing share of a route's requests")
    .addHelpText("after", HELP);
  const changing = (usage: string, description: string): Command =>
    withChangeFlags(canary.command(usage)).description(description).argument("<route>", "its name");

  withAdminFlags(canary.command("list"))
    .description("all of them, and those that have ended lately")
    .option("--json", "print JSON")
    .action(async (flags: AdminFlags & { readonly json?: boolean }) => {
      const { canaries } = (await askAdmin(flags, "/api/v1/canaries")) as { canaries: readonly CanaryReport[] };
      if (flags.json === true) printJson(canaries);
      else print(canaryTable(canaries));
    });

  withAdminFlags(canary.command("show"))
    .description("one of them: both arms in figures, the evidence, and what it says")
    .argument("<route>", "its name")
    .option("--json", "print JSON")
    .action(async (route: string, flags: AdminFlags & { readonly json?: boolean }) => {
      const shown = (await askAdmin(flags, pathOf(route))) as CanaryReport;
      if (flags.json === true) printJson(shown);
      else print(canaryText(shown));
    });

  withTerms(changing("start", "put a pool to the test").argument("<pool>", "the pool under trial")).action(
    async (route: string, pool: string, flags: TermsFlags) => {
      const answer = await sendChange(flags, "POST", pathOf(route), { pool, ...termsOf(flags) });
      const { percent } = answer as Partial<CanaryReport>;
      tellChange(flags, answer, `Begun: pool ${pool} gets ${percent} % of the requests of route ${route}.`);
    },
  );

  withTerms(changing("set", "change what was said of one; another share begins a step")).action(
    async (route: string, flags: TermsFlags) => {
      const answer = await sendChange(flags, "PATCH", pathOf(route), termsOf(flags));
      const { pool, percent } = answer as Partial<CanaryReport>;
      tellChange(flags, answer, `Done: pool ${pool} has ${percent} % of the requests of route ${route}.`);
    },
  );

  for (const [how, description, done] of [
    ["promote", "give the pool under trial the share of the last step, whatever was found", "Promoted"],
    ["rollback", "send everything where it went before", "Rolled back"],
  ] as const) {
    changing(how, description).action(async (route: string, flags: ChangeFlags) => {
      const answer = await sendChange(flags, "POST", `${pathOf(route)}/${how}`);
      tellChange(flags, answer, `${done}: ${endOf(answer, route)}.`);
    });
  }

  changing("forget", "roll it back if it is under way, and no longer show it").action(
    async (route: string, flags: ChangeFlags) => {
      const answer = await sendChange(flags, "DELETE", pathOf(route));
      tellChange(flags, answer, `Forgotten: ${endOf(answer, route)}.`);
    },
  );
}

function withTerms(command: Command): Command {
  const { percent, requests, tolerance } = CANARY_LIMITS;
  return command
    .option("--percent <n>", "its share now; the first step unless said", number(percent.least, percent.most))
    .option("--steps <n,n,…>", "shares one after the other, rising (5,25,50,100)", stepsOf)
    .option("--auto <true|false>", "true: goes on and back by itself; false: says so, and waits (true)", yesOrNo)
    .option("--min-duration <duration>", "a step lasts at least so long (2m)")
    .option(
      "--min-requests <n>",
      "and until the pool has had so many requests (500)",
      whole(requests.least, requests.most),
    )
    .option("--max-duration <duration>", "after so long it goes on if it looks no worse (ten times --min-duration)")
    .option(
      "--tolerance <share>",
      "how much more a request may cost: 0.03 is 3 % (0.03)",
      number(tolerance.least, tolerance.most),
    );
}

/** By the names of the API; what was not said is left to the instance. */
function termsOf({ percent, steps, auto, minDuration, minRequests, maxDuration, tolerance }: TermsFlags): object {
  const said = {
    percent,
    steps,
    auto,
    min_duration: minDuration,
    min_requests: minRequests,
    max_duration: maxDuration,
    tolerance,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

function pathOf(route: string): string {
  return `/api/v1/routes/${encodeURIComponent(route)}/canary`;
}

function endOf(answer: ChangeAnswer, route: string): string {
  const { pool, state, percent } = answer as Partial<CanaryReport>;
  return `pool ${pool} has ${state === "promoted" ? `${percent} %` : "nothing"} of the requests of route ${route}`;
}

function stepsOf(text: string): readonly number[] {
  const steps = text.split(",").map((part) => parseDecimal(part.trim()));
  if (steps.every((step) => step > 0 && step <= CANARY_LIMITS.percent.most)) return steps;
  throw new InvalidArgumentError("Expected percents separated by commas: 5,25,50,100.");
}
