/** `neurabalancer route`: which route, pool and rules a request would get, and why. */
import type { Command } from "commander";
import { loadProcessConfig } from "../../config/environment.ts";
import { inWordsOfSources } from "../../config/in-words-of-sources.ts";
import { ConfigError } from "../../config/load.ts";
import { toProxySettings } from "../../config/proxy-settings.ts";
import { print, printError, printJson } from "../output.ts";
import { describeProblems } from "../problems.ts";
import { withSourceFlags } from "../source-flags.ts";
import { type RouteReport, reportRoute } from "./report.ts";
import { askedRequest, BadRequestError } from "./request.ts";
import { routeText } from "./text.ts";

const HELP = `
Reads the same configuration as "serve", and asks nobody: what it says is what a reload would bring. The address is taken as it
is written: nothing in it is put right.

Examples:
  $ neurabalancer route GET https://shop.example/api/x
  $ neurabalancer route POST shop.example/api/x -H 'X-Beta: 1' --config new.yaml
  $ neurabalancer route GET '/api/..%2Fadmin' -H 'Host: shop.example' --json

Exit codes:
  0  a route takes the request, or the balancer answers it itself
  1  no route takes it (404), or its path is ambiguous (400)
  2  wrong usage, no request that could be sent, or a configuration that cannot be used; standard error says which`;

const WRONG_USE = 2;

interface RouteFlags {
  readonly config?: string;
  readonly envFile?: string;
  readonly header: readonly string[];
  readonly json?: boolean;
}

/** Adds the `route` command to `program`. */
export function registerRoute(program: Command): void {
  withSourceFlags(program.command("route"))
    .description("show which route and pool a request would get, and why")
    .argument("<method>", "such as GET; as it is written, it counts")
    .argument("<url>", "https://host/path, host/path, or a path alone")
    .option("-H, --header <line>", "a header field, as 'Name: value'; may be repeated", collect, [])
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .showHelpAfterError("(as in: neurabalancer route GET https://shop.example/api/x; --help shows more)")
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : WRONG_USE))
    .action(async (method: string, url: string, flags: RouteFlags) => {
      const report = await ask(method, url, flags);
      if (report === null) {
        process.exitCode = WRONG_USE;
        return;
      }
      if (flags.json === true) printJson(report);
      else print(routeText(report));
      process.exitCode = report.outcome === "route" || report.outcome === "balancer" ? 0 : 1;
    });
}

/** `null` after the problems were told. */
async function ask(method: string, url: string, flags: RouteFlags): Promise<RouteReport | null> {
  const loaded = await loadProcessConfig(flags);
  if (!loaded.ok) {
    printError(describeProblems(loaded.problems, loaded.warnings));
    return null;
  }
  try {
    const request = askedRequest(method, url, flags.header);
    return reportRoute(request, toProxySettings(loaded.config, { nowMs: Date.now() }), loaded.effective);
  } catch (error) {
    if (error instanceof BadRequestError) printError(`neurabalancer: ${error.message}`);
    else if (error instanceof ConfigError) {
      printError(describeProblems(error.problems.map((problem) => inWordsOfSources(problem, loaded.effective))));
    } else throw error;
    return null;
  }
}

function collect(line: string, lines: readonly string[]): readonly string[] {
  return [...lines, line];
}
