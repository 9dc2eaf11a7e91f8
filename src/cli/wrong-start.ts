/** How processes that keep a log tell why they do not start: to a program that collects logs as lines of the log. */
import { isatty } from "node:tty";
import { findLogFormat, type SourceFlags } from "../config/environment.ts";
import { createLogger } from "../telemetry/log/logger.ts";
import { printError } from "./output.ts";
import { describeProblems } from "./problems.ts";

const STANDARD_ERROR = 2;

/** Says what is wrong with the configuration: to people, on a terminal where nobody asked for JSON, as they read it best. */
export async function tellWrongConfiguration(
  name: string,
  flags: SourceFlags,
  problems: readonly string[],
  warnings: readonly string[],
): Promise<void> {
  const format = (await findLogFormat(flags)) ?? (isatty(STANDARD_ERROR) ? "text" : "json");
  if (format === "text") {
    printError(describeProblems(problems, warnings));
    return;
  }
  const log = createLogger({ level: "info", format, name });
  for (const problem of problems) log.error(problem);
  for (const warning of warnings) log.warn(warning);
  log.error({ problems: problems.length }, "the configuration is wrong: nothing was started");
}

/** What writes anything else that is wrong, as one line of JSON each time. */
export function jsonErrorWriter(name: string): (text: string) => void {
  const log = createLogger({ level: "info", format: "json", name });
  return (text) => {
    if (text.trim() !== "") log.error(text.trim());
  };
}
