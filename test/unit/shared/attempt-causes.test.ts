/** Causes that are counted are all failures that servers have, and no others. */
import { expect, test } from "bun:test";
import { Failures } from "../../../src/proxy/failure.ts";
import { ATTEMPT_CAUSES, attemptCause, OTHER_CAUSE, SERVER_ERROR_CAUSE } from "../../../src/shared/attempt-causes.ts";

test("every failure of a server has a cause of its own", () => {
  const codes = Object.values(Failures)
    .filter(({ source }) => source === "upstream")
    .map(({ code }) => code);
  for (const code of codes) expect(attemptCause(code)).not.toBe(OTHER_CAUSE);
  expect([...(ATTEMPT_CAUSES as readonly string[])].sort()).toEqual([...codes, "other", "server_error"].sort());
  expect(ATTEMPT_CAUSES[SERVER_ERROR_CAUSE]).toBe("server_error");
  expect(attemptCause("client_aborted")).toBe(OTHER_CAUSE);
});
