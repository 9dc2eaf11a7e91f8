/** One round of all cases in a process of its own. Arguments: checkout, milliseconds per case. Prints JSON: name → ns. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Case, makeCases } from "./cases.ts";

/** Few enough for the access log's buffer, many enough that the clock does not show. */
const BATCH = 256;
const WARM_UP_BATCHES = 200;

const [root, milliseconds] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "bench-micro-"));
const figures: Record<string, number> = {};
try {
  for (const one of await makeCases(root, join(directory, "memory"))) {
    figures[one.name] = await time(one, Number(milliseconds));
    one.check();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
console.log(JSON.stringify(figures));
process.exit();

/** Nanoseconds per turn: the median of the batches, so that other load on the machine shows least. */
async function time({ run, settle }: Case, forMs: number): Promise<number> {
  for (let i = 0; i < WARM_UP_BATCHES; i++) {
    run(BATCH);
    await settle?.();
  }
  const batches: number[] = [];
  const started = Bun.nanoseconds();
  while (Bun.nanoseconds() - started < forMs * 1e6) {
    const before = Bun.nanoseconds();
    run(BATCH);
    batches.push((Bun.nanoseconds() - before) / BATCH);
    await settle?.();
  }
  batches.sort((a, b) => a - b);
  return batches[batches.length >> 1];
}
