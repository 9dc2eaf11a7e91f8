/** How a wrong configuration is told. */
import { visible } from "../shared/visible-text.ts";

/** Every problem on a line of its own, for standard error. */
export function describeProblems(problems: readonly string[]): string {
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return [
    `neurabalancer: the configuration has ${count}:`,
    ...problems.map((problem) => `  - ${visible(problem)}`),
    "Every setting is explained in docs/configuration.md.",
  ].join("\n");
}
