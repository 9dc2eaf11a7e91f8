/**
 * Micro-benchmarks of the request path: what each piece costs per request, and with `--base DIR` what it costs in another
 * checkout, in interleaved rounds. pick.ts beside this file looks closer at the strategies.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { median, ratios, spread } from "../common/statistics.ts";
import { renderTable } from "../common/table.ts";

const HELP = `  npm run bench:micro -- [options]

  --base DIR    compare with another checkout of NeuraBalancer
  --rounds N    rounds, each in a process of its own (default 5)
  --ms N        milliseconds per case and round (default 60)
  --markdown    the table as Markdown
`;

const ROOT = resolve(import.meta.dir, "../..");

function measure(root: string, milliseconds: string): Record<string, number> {
  // The checkout's own round: where its files lie is its own affair.
  const round = join(root, "bench/micro/round.ts");
  const { stdout, success } = Bun.spawnSync([process.execPath, "--no-install", round, root, milliseconds], {
    stderr: "inherit",
  });
  if (!success) throw new Error(`a round in ${root} failed`);
  return JSON.parse(stdout.toString()) as Record<string, number>;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      base: { type: "string" },
      rounds: { type: "string", default: "5" },
      ms: { type: "string", default: "60" },
      markdown: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const ours: Record<string, number>[] = [];
  const base: Record<string, number>[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(measure(ROOT, values.ms));
    if (values.base !== undefined) base.push(measure(resolve(values.base), values.ms));
  }
  const rows = Object.keys(ours[0] ?? {}).map((name) => {
    const mine = ours.map((round) => round[name]);
    const cells = [name, median(mine).toFixed(0)];
    if (base.length === 0) return cells;
    const theirs = base.map((round) => round[name]);
    if (!base.every((round) => name in round)) return [...cells, "", "not measured there"];
    const { median: middle, low, high } = spread(ratios(mine, theirs));
    return [...cells, median(theirs).toFixed(0), `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`];
  });
  const columns = ["ns", "this", ...(base.length > 0 ? ["base", "this / base (middle half)"] : [])];
  console.log(renderTable({ title: "Nanoseconds per request", columns, rows }, values.markdown));
}

main();
