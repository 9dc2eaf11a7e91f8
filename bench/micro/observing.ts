/** What samples of traffic cost under another strategy than `ml`: in the worker for each attempt, and in the learner. */
import { join } from "node:path";
import type { Case } from "./cases.ts";

/** From one outcome to the next, milliseconds: 3,000 a second. */
const BETWEEN_MS = 1 / 3;
const SERVERS = 5;

/** @param memoryPath of shared memory that nobody else uses. */
export async function makeObservingCases(root: string, memoryPath: string): Promise<Case[]> {
  const source = (path: string): string => join(root, "src", path);
  const { createSharedMemory } = (await import(
    source("shared/memory/file.ts")
  )) as typeof import("../../src/shared/memory/file.ts");
  const { OutcomeWriter } = (await import(
    source("proxy/pick/outcome-log.ts")
  )) as typeof import("../../src/proxy/pick/outcome-log.ts");
  const { OutcomeFeed } = (await import(
    source("learning/serving/worker-rings.ts")
  )) as typeof import("../../src/learning/serving/worker-rings.ts");
  const { PoolLearners } = (await import(
    source("learning/pool-learners.ts")
  )) as typeof import("../../src/learning/pool-learners.ts");
  const memory = createSharedMemory(memoryPath);
  const { Header, ServerState } = (await import(
    source("shared/memory/layout/shared-memory.ts")
  )) as typeof import("../../src/shared/memory/layout/shared-memory.ts");
  memory.header[Header.WORKER_BLOCKS] = 1;
  for (let slot = 0; slot < SERVERS; slot++) {
    memory.servers.id[slot] = 1 + slot;
    memory.servers.state[slot] = ServerState.UP;
    memory.servers.inFlight[slot] = 4;
  }
  memory.header[Header.TABLE_VERSION] += 2;
  let nowMs = 1000;
  const writer = new OutcomeWriter(memory.rings[0], 0);
  const classed = { template: 0, parentTemplate: 0, work: 0, othersWork: 1, transferringAtDispatch: 0 };
  const attempt = {
    slot: 0,
    serverId: 1,
    dispatchedMs: 0,
    inFlightAtDispatch: 3,
    decision: 0,
    status: 200,
    ...classed,
  };
  const write = (): void => {
    nowMs += BETWEEN_MS;
    attempt.slot = (attempt.slot + 1) % SERVERS;
    attempt.serverId = attempt.slot + 1;
    attempt.dispatchedMs = nowMs - 5;
    writer.ended(attempt, false, nowMs);
  };
  let samples = 0;
  const options = {
    memory,
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    wallOffsetMs: () => 0,
    stopwatch: () => performance.now(),
    random: Math.random,
    nameOf: (id: number) => `http://${id}`,
    log: { child: () => options.log, info: () => {}, warn: () => {}, error: () => {}, once: () => {} },
  };
  // biome-ignore lint/suspicious/noExplicitAny: what models need is not asked for here.
  const learners = new PoolLearners(options as any, [{ row: 0, name: "default", observed: true, samples: true }]);
  const store = {
    status: () => ({ problem: null }),
    appendSamples: (batch: readonly unknown[]) => {
      samples += batch.length;
    },
  };
  // biome-ignore lint/suspicious/noExplicitAny: nor is any other part of a store.
  await learners.learn({ store } as any);
  const feed = new OutcomeFeed(memory);
  return [
    {
      name: "outcome of an attempt, for samples",
      run: (times) => {
        for (let i = 0; i < times; i++) write();
      },
      check: () => {},
    },
    {
      name: "the same, written and taken in by the learner",
      run: (times) => {
        for (let i = 0; i < times; i += 150) {
          for (let j = i; j < Math.min(times, i + 150); j++) write();
          learners.beginRound();
          feed.drain((outcome) => learners.observe(outcome));
          void learners.tick();
        }
      },
      check: () => {
        if (samples === 0) throw new Error("no sample was kept");
      },
    },
  ];
}
