/** Settings of logs that do nothing as they are. */
import { DEFAULT_ACCESS_LOG_FIELDS } from "../../shared/access-log-fields.ts";
import type { Contradictions, PartialConfig } from "./contradictions.ts";

/** A comparison with a missing setting finds nothing: its own problem is reported already. */
export function logContradictions({ log }: Pick<PartialConfig, "log">): Contradictions {
  const { access, format, accessFormat, accessFields } = log;
  const written = accessFormat ?? format;
  const chosen = accessFields !== undefined && accessFields.join() !== DEFAULT_ACCESS_LOG_FIELDS.join();
  if (access === false || !chosen || written === undefined || written === "json") return { problems: [], warnings: [] };
  // Whoever leaves out what is personal must not believe that it is.
  const by = accessFormat ? "ACCESS_LOG_FORMAT" : "LOG_FORMAT";
  return {
    problems: [],
    warnings: [`ACCESS_LOG_FIELDS has no effect: ${by} is ${written}, and fields are chosen for json alone`],
  };
}
