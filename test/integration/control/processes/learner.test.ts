import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { toLearnerSettings } from "../../../../src/config/learner-settings.ts";
import type { NotedEvent } from "../../../../src/control/events/events.ts";
import {
  Learner,
  type LearnerOptions,
  LearnerUnavailableError,
} from "../../../../src/control/processes/learner/learner.ts";
import {
  createRuntimeDirectory,
  createSharedMemory,
  removeRuntimeDirectory,
} from "../../../../src/shared/memory/file.ts";
import {
  HoldState,
  LearnerCounter,
  LearnerFigure,
  LearnerWord,
  Rung,
} from "../../../../src/shared/memory/layout/learning.ts";
import { configOf } from "../../../support/configuration.ts";
import { isAlive, recordingLogger, until } from "./fixture.ts";

const open: (() => void)[] = [];
afterAll(() => {
  for (const close of open) close();
});

function make(mode: string, overrides: Partial<LearnerOptions> = {}) {
  const directory = createRuntimeDirectory();
  const memoryPath = join(directory, "memory");
  const memory = createSharedMemory(memoryPath);
  const { log, lines } = recordingLogger();
  const learner = new Learner({
    pools: () => [{ row: 0, name: "default" }],
    command: [process.execPath, join(import.meta.dir, "learner/fake-learner.ts"), mode],
    memory,
    log,
    clock: () => performance.now(),
    bootOffsetMs: () => 5000,
    startMessage: () => ({
      type: "start",
      memoryPath,
      logFormat: "json",
      logLevel: "info",
      settings: toLearnerSettings(configOf()),
      program: [],
      servers: [],
      cluster: null,
    }),
    tickMs: 50,
    hungAfterMs: 600_000,
    answerMs: 600_000,
    ...overrides,
  });
  open.push(() => {
    learner.kill();
    removeRuntimeDirectory(directory);
  });
  return { learner, memory, lines };
}

const ready = (learner: Learner) => until(() => learner.status?.state === "ready");
const question = { kind: "explain", requestId: "abc", pool: null } as const;

describe("the learner", () => {
  test("is asked and answers; who asks when it is gone is told so", async () => {
    const { learner } = make("normal");
    expect(learner.status).toBeNull();
    await expect(learner.ask(question)).rejects.toThrow(LearnerUnavailableError);
    learner.start();
    await ready(learner);
    expect(await learner.ask(question)).toEqual({ asked: question });
    const refused = learner.ask({ kind: "describe", pool: null }).catch(String); // the fake never answers that
    for (let i = 1; i < 16; i++) learner.ask({ kind: "describe", pool: null }).catch(() => {});
    await expect(learner.ask(question)).rejects.toThrow("too many questions");
    const pid = learner.status?.pid as number;
    await learner.stop(2000);
    expect(await refused).toContain("is stopped");
    expect(isAlive(pid)).toBe(false);
    expect(learner.running).toBe(false);
    learner.start();
    await ready(learner);
    expect(await learner.ask(question)).toEqual({ asked: question });
  });

  test("tells of verdicts, which history gets with its deaths", async () => {
    const noted: NotedEvent[] = [];
    const { learner } = make("judges", { events: { note: (event) => noted.push(event) } });
    learner.start();
    await until(() => noted.length === 1);
    expect(noted[0]).toEqual({
      kind: "verdict",
      pool: "shop",
      message: "rolled back (model 7): worse",
      detail: { verdict: "rolled_back", model_version: 7, numbers: { n: 1 } },
    });
    process.kill(learner.status?.pid as number, "SIGKILL");
    await until(() => noted.some(({ message }) => message === "learner died: the learner was ended by SIGKILL"));
  });

  test("that does not answer in time is not waited for", async () => {
    const { learner } = make("normal", { answerMs: 1 });
    learner.start();
    await ready(learner);
    await expect(learner.ask({ kind: "describe", pool: null })).rejects.toThrow("does not answer");
  });

  test("that dies is started again, its orders end, and its questions fail", async () => {
    const { learner, memory, lines } = make("normal");
    learner.start();
    await ready(learner);
    const pid = learner.status?.pid as number;
    memory.learned[0].words[LearnerWord.RUNG] = Rung.FLOOR;
    const refused = learner.ask({ kind: "describe", pool: null }).catch(String);
    process.kill(pid, "SIGKILL");
    expect(await refused).toContain("died");
    await until(() => learner.status?.state === "ready" && learner.status.pid !== pid);
    expect(memory.learned[0].words[LearnerWord.RUNG]).toBe(Rung.ESTIMATOR);
    expect(learner.restarts).toEqual({ exit: 1, hung: 0, failed: 0 });
    expect(lines.filter(({ message }) => message.startsWith("learner died"))).toHaveLength(1);
  });

  test("that hangs is killed and started again; one that cannot be ended is killed after a while", async () => {
    const { learner, lines } = make("normal", { hungAfterMs: 1000 });
    learner.start();
    await ready(learner);
    const pid = learner.status?.pid as number;
    process.kill(pid, "SIGSTOP");
    await until(() => learner.restarts.hung > 0 && learner.status?.state === "ready");
    expect(isAlive(pid)).toBe(false);
    expect(lines.some(({ message }) => message.startsWith("learner hangs"))).toBe(true);
    const next = learner.status?.pid as number;
    process.kill(next, "SIGSTOP");
    await learner.stop(50);
    expect(isAlive(next)).toBe(false);
  });

  test("that takes its time to start is left alone; one that never does is not waited for for ever", async () => {
    const slow = make("starts-slowly", { hungAfterMs: 1000 });
    slow.learner.start();
    await ready(slow.learner);
    await until(() => slow.memory.learnerCounters[LearnerCounter.HEARTBEAT] > 0);
    expect(slow.learner.restarts).toEqual({ exit: 0, hung: 0, failed: 0 });
    const never = make("never-starts", { hungAfterMs: 250 });
    never.learner.start();
    await until(() => never.learner.restarts.hung > 0);
  });

  test("that opens its store is not taken for one that hangs, however long that takes all its time", async () => {
    const opening = make("opens-slowly", { hungAfterMs: 1000 });
    const hanging = make("hangs", { hungAfterMs: 1000 });
    opening.learner.start();
    await ready(opening.learner);
    hanging.learner.start();
    await until(() => hanging.learner.restarts.hung > 0); // meanwhile
    const { memory, learner } = opening;
    memory.learnerCounters[LearnerCounter.STORE_OPENING] = 0; // it is open, and it goes on
    await until(() => memory.learnerCounters[LearnerCounter.HEARTBEAT] > 0);
    expect(learner.restarts).toEqual({ exit: 0, hung: 0, failed: 0 });
    process.kill(learner.status?.pid as number, "SIGSTOP"); // from now on it is
    await until(() => learner.restarts.hung > 0);
    expect(memory.learnerCounters[LearnerCounter.RSS_BYTES]).toBe(0);
  });

  test("that only keeps samples is degraded by nothing but its store, or by dying again and again", async () => {
    const pools = () => [{ row: 0, name: "default", observed: true, samples: true }] as const;
    const { learner } = make("normal", { pools });
    learner.start();
    await ready(learner);
    expect([learner.pools, learner.sampled]).toEqual([[], ["default"]]);
    expect([learner.degraded, learner.keepsNothing]).toEqual([false, false]);
    const failing = make("failed", { pools }).learner;
    failing.start();
    await until(() => failing.restarts.failed >= 3 && failing.keepsNothing);
    expect(failing.degraded).toBe(false);
    failing.kill();
    expect([failing.sampled, failing.keepsNothing]).toEqual([[], false]);
  });

  test("that learns limits, whatever the strategy, is degraded while they are older than workers believe", async () => {
    let nowMs = 1000; // the boot clock is 5 s ahead
    const pools = () => [{ row: 3, name: "shop", observed: true, limits: true }] as const;
    const { learner, memory } = make("normal", { pools, clock: () => nowMs });
    const { words, figures } = memory.learned[3];
    words[LearnerWord.HOLD_STATE] = HoldState.HOLDING;
    figures[LearnerFigure.LIMITS_MS] = 5900;
    figures[LearnerFigure.PATIENCE_MS] = 250;
    figures[LearnerFigure.RELAXATION] = 2;
    expect([learner.degraded, learner.limited]).toEqual([false, []]); // not even meant to run
    learner.start();
    expect(learner.limited).toMatchObject([{ name: "shop", state: "holding", patienceMs: 250, relaxation: 2 }]);
    expect([learner.pools, learner.sampled, learner.degraded]).toEqual([[], [], false]);
    nowMs = 2000;
    expect(learner.limited).toMatchObject([{ name: "shop", state: "stale", patienceMs: null, relaxation: null }]);
    expect(learner.degraded).toBe(true);
  });

  test("that cannot start is tried again, later each time, with its own words in the log", async () => {
    const { learner, lines } = make("failed");
    learner.start();
    await until(() => learner.restarts.failed >= 3);
    const said = lines.filter(({ message }) => message === "learner died: no model can be read");
    expect(said.length).toBeGreaterThanOrEqual(3);
    expect(said[2].restart_in_ms).toBeGreaterThan(0);
    expect(learner.degraded).toBe(true);
  });

  test("counts as degraded, and its rung as the estimator's, while its table is older than workers believe", async () => {
    let nowMs = 1000;
    const { learner, memory } = make("normal", { clock: () => nowMs });
    memory.learned[0].words[LearnerWord.RUNG] = Rung.MODEL;
    memory.learned[0].figures[LearnerFigure.TABLE_MS] = 5900;
    expect([learner.degraded, learner.pools]).toEqual([false, []]); // not even meant to run
    learner.start();
    expect(learner.pools[0].tableAgeMs).toBe(100);
    expect([learner.degraded, learner.pools[0].rung]).toEqual([false, Rung.MODEL]);
    nowMs = 2000;
    expect([learner.degraded, learner.pools[0].rung]).toEqual([true, Rung.ESTIMATOR]);
    memory.learned[0].words[LearnerWord.RUNG] = Rung.FLOOR;
    expect(learner.pools[0].rung).toBe(Rung.FLOOR);
  });
});
