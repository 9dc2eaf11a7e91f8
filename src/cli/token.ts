/** `neurabalancer token`: makes tokens for the admin API. The configuration has their hashes alone. */
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { formatToken, isTokenName, TOKEN_SCOPES, type TokenScope } from "../config/values/admin-tokens.ts";
import { print, printError, printJson } from "./output.ts";

const HELP = `
A token is shown once. The configuration has its hash, with which nobody can ask for anything: ADMIN_TOKENS is a
comma-separated list of such lines, admin.tokens in the configuration file a list of them. A reload takes them over.

Scopes:
  metrics   reads /metrics
  read      reads everything
  admin     changes everything

Examples:
  $ neurabalancer token new --name ci --scope read
  $ neurabalancer token hash --name ci --scope read < token.txt     the line for a token that there is already

Exit codes:
  0  done
  1  wrong usage; standard error says what`;

const BYTES = 32;
/** What tells people, and programs that look for lost secrets, what it is. */
const PREFIX = "nbt_";
/** Less can be guessed. */
const SHORTEST = 16;

interface TokenFlags {
  readonly name: string;
  readonly scope: TokenScope;
  readonly json?: boolean;
}

/** Adds the `token` command to `program`. */
export function registerToken(program: Command): void {
  const token = program
    .command("token")
    .description("make a token for the admin API (ADMIN_TOKENS)")
    .addHelpText("after", HELP);
  const command = (name: string, description: string) =>
    token
      .command(name)
      .description(description)
      .requiredOption("--name <name>", "who is to have it: audit and log call it so", tokenName)
      .addOption(new Option("--scope <scope>", "what it may do").choices(TOKEN_SCOPES).default("read"))
      .option("--json", "print JSON");

  command("new", "make a token, and the line for the configuration").action((flags: TokenFlags) => {
    const made = newToken();
    const line = lineFor(made, flags);
    if (flags.json) return printJson({ token: made, line });
    print(
      `The token, which is not shown again:\n  ${made}\n\nIts line for ADMIN_TOKENS, or for the list admin.tokens of the configuration file:\n  ${line}`,
    );
  });
  command("hash", "the line for a token on standard input").action(async (flags: TokenFlags) => {
    const given = (await Bun.stdin.text()).trim();
    if (given.length < SHORTEST || /[^\x21-\x7e]/.test(given)) {
      printError(
        `standard input must have one token: ${SHORTEST} characters or more, without blanks or characters beyond ASCII`,
      );
      process.exitCode = 1;
      return;
    }
    const line = lineFor(given, flags);
    if (flags.json) printJson({ line });
    else print(line);
  });
}

/** 256 random bits. */
function newToken(): string {
  return PREFIX + Buffer.from(crypto.getRandomValues(new Uint8Array(BYTES))).toString("base64url");
}

function lineFor(token: string, { name, scope }: TokenFlags): string {
  return formatToken({ name, scope, sha256: new Bun.CryptoHasher("sha256").update(token).digest("hex") });
}

function tokenName(text: string): string {
  if (isTokenName(text)) return text;
  throw new InvalidArgumentError(
    "Expected up to 64 letters, digits and _ . @ -, and no name that means something else.",
  );
}
