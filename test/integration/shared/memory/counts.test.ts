/** Series and examples that one process reads while another one writes, gives up and is killed over it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { ExemplarReader } from "../../../../src/shared/memory/exemplars.ts";
import {
  createRuntimeDirectory,
  createSharedMemory,
  removeRuntimeDirectory,
} from "../../../../src/shared/memory/file.ts";
import type { SharedMemory } from "../../../../src/shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../../src/shared/memory/layout/worker-counters.ts";
import { readSeries } from "../../../../src/shared/memory/series-table.ts";
import { spawn } from "../../../support/processes.ts";
import { until } from "../../../support/until.ts";

let directory: string;
let path: string;
let memory: SharedMemory;
beforeAll(() => {
  directory = createRuntimeDirectory();
  path = join(directory, "memory");
  memory = createSharedMemory(path);
});
afterAll(() => removeRuntimeDirectory(directory));

/** Reads everything once, and throws at what cannot be. @returns how many series there are. */
function look(examples: ExemplarReader): number {
  let series = 0;
  readSeries(memory.workers[0], ({ serverId, count, method, route, status }) => {
    series++;
    const wrong = method !== "GET" || route !== 0 || status < 200 || status >= 260;
    if (wrong || count < 1 || count > (serverId % 2 === 0 ? 1 : 50)) {
      throw new Error(`server ${serverId}, status ${status}: ${count}`);
    }
  });
  const example = examples.read(0, 0);
  if (example !== null) {
    const { value, timeMs, traceId } = example;
    if (timeMs !== value || Number.parseInt(traceId, 16) !== value) throw new Error(Bun.inspect(example));
  }
  return series;
}

test("no reader sees a count under another's key, or half an example, and the table never fills", async () => {
  const block = memory.workers[0];
  const examples = new ExemplarReader(block.exemplars);
  for (let life = 0; life < 4; life++) {
    const began = block.counters[WorkerCounter.REQUESTS];
    const writer = spawn({
      cmd: [process.execPath, join(import.meta.dir, "counts-writer-process.ts"), path],
      stdio: ["ignore", "inherit", "inherit"],
    });
    await until(() => {
      for (let i = 0; i < 20; i++) look(examples);
      return block.counters[WorkerCounter.REQUESTS] > began + 60 || writer.exitCode !== null;
    });
    expect(writer.exitCode).toBeNull();
    writer.kill("SIGKILL");
    await writer.exited;
    expect(look(examples)).toBeGreaterThan(0);
  }
  expect(block.counters[WorkerCounter.SERIES_OVERFLOW]).toBe(0);
});
