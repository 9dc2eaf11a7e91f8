/** The process that answers the supervisor what the simulator expects of strategies: it takes a core for seconds. */
import { constants, setPriority } from "node:os";
import { readShippedNetwork } from "../../learning/models/shipped-model.ts";
import type { ExpectationResult, ExpectationTask } from "../../protocol/expectation.ts";
import { expectStrategies } from "../../replay/expectations.ts";
import { openHistoryReader } from "../../storage/open-store.ts";
import { StoreError } from "../../storage/store-error.ts";

/** Reads the task from standard input and writes the result to standard output. What is a bug ends the process. */
export async function runExpectation(): Promise<void> {
  // Clients wait for the workers; but where these take all there is, an answer is wanted, too: a tenth of a core or so.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const task = JSON.parse(await Bun.stdin.text()) as ExpectationTask;
  await Bun.write(Bun.stdout, JSON.stringify(await resultOf(task)));
}

async function resultOf({ store, ...asked }: ExpectationTask): Promise<ExpectationResult> {
  try {
    const reader = openHistoryReader(store);
    try {
      const answer = await expectStrategies(reader, { ...asked, nowMs: Date.now(), network: readShippedNetwork });
      return { kind: "answer", answer };
    } finally {
      await reader.close();
    }
  } catch (error) {
    if (error instanceof StoreError) return { kind: "store", message: error.message };
    throw error;
  }
}
