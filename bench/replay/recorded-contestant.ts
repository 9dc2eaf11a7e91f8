import { join } from "node:path";
import type { Contestant, ContestantSetup } from "../arena/contestant.ts";
import { environment, ours } from "../arena/peers/ours.ts";

/** Below a contestant's directory: what it keeps. */
const DATA = "data";

/** Where a recorded contestant keeps its history, by the directory of the run. */
export function dataDirectory(directory: string, strategy: string): string {
  return join(directory, strategy, DATA);
}

/**
 * One of our strategies, as in the arena. @param recorded it keeps its history, with every single request; the others keep
 * none.
 */
export function contestantOf(root: string, strategy: string, recorded: boolean): Contestant {
  const contestant = ours(root).find(({ name }) => name === strategy);
  if (contestant === undefined) throw new Error(`${strategy} takes no part in the arena`);
  const prepare = contestant.prepare!;
  return {
    ...contestant,
    prepare: (setup: ContestantSetup) => ({
      ...prepare(setup),
      env: {
        ...environment(setup, strategy),
        HISTORY: recorded ? "on" : "off",
        LEARNING_SAMPLES: "off",
        REQUEST_LOG_MAX_ROWS_PER_SECOND: "10000",
        DATA_DIR: join(setup.directory, DATA),
        // What is written when it stops has to be written.
        SHUTDOWN_TIMEOUT_SECONDS: "5",
      },
    }),
  };
}
