/** What all commands take that change something of a running instance, and how they send it. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { changeInWords } from "../../shared/operations/words.ts";
import { type AdminFlags, askAdmin, withAdminFlags } from "../admin-client.ts";
import { print, printError, printJson } from "../output.ts";

/** As given. */
export interface ChangeFlags extends AdminFlags {
  readonly reason?: string;
  readonly keep: boolean;
  readonly scope?: string;
  readonly dryRun?: boolean;
  readonly ifMatch?: string;
  readonly json?: boolean;
}

/** What a change is answered with, as far as people are told of it. */
export interface ChangeAnswer {
  readonly warnings?: readonly string[];
  readonly dry_run?: boolean;
  readonly changed?: boolean;
  readonly target?: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** Durable and in force takes longer than a question. */
const TIMEOUT_MS = 60_000;

/** Adds them to a command. */
export function withChangeFlags(command: Command): Command {
  return withAdminFlags(
    command
      .option("--reason <text>", "why; kept in the audit")
      .option("--keep <true|false>", "false: for this run of this instance only", yesOrNo, true)
      .addOption(
        new Option(
          "--scope <cluster|instance>",
          "instance: of this instance alone, where several share changes",
        ).choices(["cluster", "instance"]),
      )
      .option("--dry-run", "only say what would happen")
      .option("--if-match <etag>", "only if it is still as it was with this ETag")
      .option("--json", "print the response as JSON"),
  );
}

/** Sends a change. A body has the reason with it, what has none has it in the query. */
export async function sendChange(
  flags: ChangeFlags,
  method: "POST" | "PATCH" | "DELETE",
  path: string,
  body: object = {},
): Promise<ChangeAnswer> {
  const { reason, keep, scope, dryRun, ifMatch } = flags;
  const query = new URLSearchParams();
  if (!keep) query.set("keep", "false");
  if (scope !== undefined) query.set("scope", scope);
  if (dryRun === true) query.set("dry_run", "true");
  const said = reason === undefined ? {} : { reason };
  if (method === "DELETE" && reason !== undefined) query.set("reason", reason);
  const asked = query.size === 0 ? path : `${path}?${query}`;
  const sent = method === "DELETE" ? {} : { body: { ...body, ...said } };
  return (await askAdmin(flags, asked, { method, ifMatch, timeoutMs: TIMEOUT_MS, ...sent })) as ChangeAnswer;
}

/** Tells what became of it. @param done a sentence, unless it was only tried. */
export function tellChange({ json }: Pick<ChangeFlags, "json">, answer: ChangeAnswer, done: string): void {
  if (json === true) {
    printJson(answer);
    return;
  }
  if (answer.changed === false) print("Nothing is changed: it is so already.");
  else if (answer.dry_run === true) {
    print(`Nothing was changed. It would be, of ${answer.target}: ${changeInWords(answer.before, answer.after)}`);
  } else print(done);
  for (const warning of answer.warnings ?? []) printError(`Warning: ${warning}.`);
}

/** Reads the value of a flag that is `true` or `false`. Throws an `InvalidArgumentError`. */
export function yesOrNo(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("Expected true or false.");
}
