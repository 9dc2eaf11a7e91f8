import { expect, test } from "bun:test";
import { NO_TABLE_YET, rungLog } from "../../../../src/learning/serving/rung-log.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

test("is said once when the model is not used and once when it is again; before the first table is no failure", () => {
  const { log, lines } = recordingLogger();
  const say = rungLog(log);
  for (const reason of [NO_TABLE_YET, "", "", "it is away", "it is still away", NO_TABLE_YET, "", "", "worse"])
    say(reason);
  expect(lines).toEqual([
    { level: "warn", why: "it is away", message: "the model is not used" },
    { level: "info", message: "the model is used again" },
    { level: "warn", why: "worse", message: "the model is not used" },
  ]);
});
