/** The recorder's keeper, over a recorder that keeps nothing. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { toRecorderSettings } from "../../../../src/config/recorder-settings.ts";
import { Journal } from "../../../../src/control/events/journal.ts";
import { Recorder, type RecorderOptions } from "../../../../src/control/processes/recorder/recorder.ts";
import type { RecordedNames } from "../../../../src/protocol/recorded-names.ts";
import type { ToRecorder } from "../../../../src/protocol/recorder.ts";
import {
  createRuntimeDirectory,
  createSharedMemory,
  removeRuntimeDirectory,
} from "../../../../src/shared/memory/file.ts";
import { RecorderCounter } from "../../../../src/shared/memory/layout/history.ts";
import { configOf } from "../../../support/configuration.ts";
import { isAlive, readJournal, recordingLogger, until } from "./fixture.ts";

const open: (() => void)[] = [];
afterAll(() => {
  for (const close of open) close();
});

function make(mode: string, overrides: Partial<RecorderOptions> = {}) {
  const directory = createRuntimeDirectory();
  const memoryPath = join(directory, "memory");
  const told = join(directory, "told");
  const memory = createSharedMemory(memoryPath);
  const { log, lines } = recordingLogger();
  const journal = new Journal(() => 1_000);
  let names: RecordedNames = { servers: [], pools: [{ row: 0, name: "default" }], routes: [] };
  const setNames = (present: RecordedNames): void => {
    names = present;
    recorder.rename();
  };
  let servers = 0;
  const recorder = new Recorder({
    command: [process.execPath, join(import.meta.dir, "recorder/fake-recorder.ts"), mode, told],
    memory,
    log,
    events: journal,
    journal,
    clock: () => performance.now(),
    startMessage: () => ({
      type: "start",
      memoryPath,
      logFormat: "json",
      logLevel: "info",
      settings: toRecorderSettings(configOf())!,
    }),
    names: () => names,
    onServers: () => {
      servers++;
    },
    tickMs: 50,
    hungAfterMs: 600_000,
    ...overrides,
  });
  const close = (): void => {
    recorder.kill();
    removeRuntimeDirectory(directory);
  };
  open.push(close);
  const messages = () => readJournal<ToRecorder & { pid: number }>(told);
  const events = () => messages().flatMap((message) => (message.type === "events" ? message.events : []));
  return { recorder, memory, lines, journal, messages, events, setNames, servers: () => servers };
}

const ready = (recorder: Recorder) => until(() => recorder.status?.state === "ready");

describe("the recorder", () => {
  test("is told what there is and what happened, and tells of servers; what it leaves are counts", async () => {
    const { recorder, memory, journal, messages, events, setNames, servers } = make("normal");
    journal.note({ kind: "start", message: "before it was there" });
    expect([recorder.status, recorder.up, recorder.degraded]).toEqual([null, false, false]);
    recorder.start();
    await ready(recorder);
    await until(() => recorder.up && !recorder.degraded); // on a busy machine some of its signs of life are late
    expect(messages()[0]).toMatchObject({ type: "start", names: { pools: [{ row: 0, name: "default" }] } });
    recorder.rename(); // nothing is new
    setNames({ servers: [], pools: [], routes: [{ number: 8, name: "shop" }] });
    recorder.setLog("debug", "text");
    journal.note({ kind: "change", message: "while it is there" });
    await until(() => servers() === 1 && journal.waiting === 0 && messages().length === 5);
    expect(messages().map(({ type }) => type)).toEqual(["start", "events", "names", "log", "events"]);
    expect(events().map(({ message }) => message)).toEqual(["before it was there", "while it is there"]);
    const pid = recorder.status?.pid as number;
    journal.note({ kind: "stop", message: "the last" });
    await recorder.stop(60_000);
    expect(isAlive(pid)).toBe(false);
    expect(events().at(-1)?.message).toBe("the last");
    expect(messages().at(-1)?.type).toBe("drain");
    const { counters } = memory.recorder;
    expect(counters[RecorderCounter.ROWS_WRITTEN]).toBe(5);
    expect(counters[RecorderCounter.ROWS_WAITING]).toBe(0);
    expect([recorder.running, recorder.up, recorder.degraded]).toEqual([false, false, false]);
    recorder.start();
    await ready(recorder);
    await recorder.stop(60_000);
  });

  test("that dies is started again, and told again what its predecessor did not keep", async () => {
    const { recorder, journal, events } = make("forgetful");
    recorder.start();
    await ready(recorder);
    journal.note({ kind: "change", message: "unkept" });
    await until(() => events().length === 1);
    process.kill(recorder.status!.pid, "SIGKILL");
    await until(() => events().some(({ message }) => message === "the recorder runs again"));
    const messages = events().map(({ message }) => message);
    expect(messages).toContain("recorder died: the recorder was ended by SIGKILL");
    expect(messages.filter((message) => message === "unkept")).toHaveLength(2);
    expect(recorder.restarts).toEqual({ exit: 1, hung: 0, failed: 0 });
  });

  test("that hangs is killed; meanwhile what happens is not kept as it should be", async () => {
    const { recorder, journal } = make("normal", { hungAfterMs: 1000 });
    recorder.start();
    await ready(recorder);
    process.kill(recorder.status!.pid, "SIGSTOP");
    await until(() => recorder.degraded);
    await until(() => recorder.restarts.hung > 0);
    await until(() => !recorder.degraded);
    await until(() => journal.waiting === 0);
  });

  test("that cannot start says why, and is tried again", async () => {
    const { recorder, lines } = make("failed");
    recorder.start();
    await until(() => recorder.restarts.failed >= 2);
    expect(lines.some(({ message }) => message === "recorder died: the memory cannot be read")).toBe(true);
    expect(recorder.degraded).toBe(true);
  });

  test("whose store does not take what it is given runs, and is degraded", async () => {
    const { recorder } = make("degraded");
    recorder.start();
    await ready(recorder);
    expect([recorder.up, recorder.degraded]).toEqual([false, true]);
  });

  test("that does not end in time is killed", async () => {
    const { recorder } = make("never-drains");
    recorder.start();
    await ready(recorder);
    const pid = recorder.status?.pid as number;
    await recorder.stop(100);
    expect(isAlive(pid)).toBe(false);
  });
});
