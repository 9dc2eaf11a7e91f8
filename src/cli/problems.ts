/** How a wrong configuration is told. */
import { visible } from "../shared/visible-text.ts";

/** Every problem on a line of its own, for standard error. What was odd beside them may be their cause. */
export function describeProblems(problems: readonly string[], warnings: readonly string[] = []): string {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return [
    `neurabalancer: the configuration has ${count}:`,
    ...problems.map((problem) => `  - ${visible(problem)}`),
    ...warnings.map((warning) => `Warning: ${visible(warning)}`),
    "Every setting is explained in docs/configuration.md.",
  ].join("\n");
}
