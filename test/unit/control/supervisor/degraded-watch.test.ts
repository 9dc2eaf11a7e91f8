import { expect, test } from "bun:test";
import { DegradedWatch } from "../../../../src/control/supervisor/degraded-watch.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

test("a degraded mode is said once when it begins, and once when it has been over for a while", () => {
  const { log, lines } = recordingLogger();
  const watch = new DegradedWatch(log);
  const said = () => lines.splice(0).map(({ level, mode }) => `${level} ${mode}`);
  watch.tick({ access_log: false, descriptors: false }, 0);
  expect(said()).toEqual([]);
  for (let t = 1000; t <= 20_000; t += 1000) watch.tick({ access_log: t % 3000 !== 0, descriptors: false }, t);
  expect(said()).toEqual(["warn access_log"]);
  for (let t = 21_000; t <= 29_000; t += 1000) watch.tick({ access_log: false }, t);
  expect(said()).toEqual([]);
  watch.tick({ access_log: false }, 30_000);
  expect(said()).toEqual(["info access_log"]);
  watch.tick({ access_log: true, panic: true }, 31_000);
  expect(said()).toEqual(["warn access_log"]);
});

test("history has the modes that the log has from others as well, but not those that have events of their own", () => {
  const { log, lines } = recordingLogger();
  const noted: unknown[] = [];
  const watch = new DegradedWatch(log, { note: ({ kind, detail }) => noted.push([kind, detail]) });
  watch.tick({ no_servers: true, history: true, panic: true, draining: true, configuration: true }, 0);
  watch.tick({}, 10_000);
  const of = (mode: string, on: boolean) => ["degraded", { mode, on }];
  expect(noted).toEqual([of("history", true), of("no_servers", true), of("history", false), of("no_servers", false)]);
  expect(lines.map(({ mode }) => mode)).toEqual(["history", "history"]);
});
