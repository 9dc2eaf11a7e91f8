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
