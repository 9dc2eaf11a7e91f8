/** Commands print by one module, which shows what a terminal would obey. */
import { expect, test } from "bun:test";
import { readSources } from "./source-tokens.ts";

/** Who writes to a terminal by itself, and why that is safe. */
const MAY: Readonly<Record<string, string>> = {
  "src/cli/output.ts": "the module itself",
  "src/cli/program.ts": "what commander says goes through the same function",
  "src/cli/demo.ts": "a screen draws by escape sequences; texts from outside are made visible where they come in",
  "src/cli/replay/command.ts": "lines of progress (progress.ts)",
  "src/cli/simulate.ts": "a line of progress: numbers",
  "src/cli/train/from-simulation.ts": "lines of progress (progress.ts)",
  "src/cli/train/from-store.ts": "lines of progress (progress.ts)",
};

test("no other command touches standard output or standard error", () => {
  const writers = readSources("src/cli")
    .filter(({ tokens }) =>
      tokens.some(
        ({ text }, at) =>
          text === "console" || (text === "process" && /^std(out|err)$/.test(tokens[at + 2]?.text ?? "")),
      ),
    )
    .map(({ path }) => path);
  expect(writers.filter((path) => !(path in MAY))).toEqual([]);
  expect(writers).toContain("src/cli/output.ts"); // else nothing was found because nothing was looked for
});
