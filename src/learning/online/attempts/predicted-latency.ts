/**
 * Adds up, by server, what the champion's model predicted of attempts and what came of them: both of the same attempts, so that
 * the means can be compared. Writer of `SharedMemory.predictions`; sums go on over the learner's restarts.
 */
import { PredictionWord, Rung } from "../../../shared/memory/layout/learning.ts";
import { costIn } from "../../serving/table-history.ts";
import type { ReadAttempt } from "./attempt-reader.ts";

export class PredictedLatency {
  readonly #sums: Float64Array;

  /** @param sums rows by slot, of `PredictionWord`s. */
  constructor(sums: Float64Array) {
    this.#sums = sums;
  }

  /** An attempt ended. It counts if a prediction of the champion placed it that is a time, and if it succeeded. */
  add({ record, decision, table }: ReadAttempt): void {
    const { arm, failed, slot, latencyMs, typicalMs = latencyMs } = record;
    if (arm !== "champion" || failed || decision.rung !== Rung.MODEL || decision.table === 0) return;
    if (table === null || !table.isCost) return;
    const { serverId, candidates } = decision;
    const place = table.features.indexOf(slot, serverId);
    const chosen = candidates.find((candidate) => candidate.slot === slot);
    if (place < 0 || chosen === undefined) return;
    const at = slot * PredictionWord.LENGTH;
    const sums = this.#sums;
    const owner = sums[at + PredictionWord.SERVER];
    if (serverId < owner) return; // the slot is another's since: ids only grow
    if (serverId > owner) {
      sums.fill(0, at, at + PredictionWord.LENGTH);
      sums[at + PredictionWord.SERVER] = serverId;
    }
    sums[at + PredictionWord.PREDICTED_SECONDS] += costIn(table, place, chosen.inFlight) / 1000;
    sums[at + PredictionWord.ACTUAL_SECONDS] += typicalMs / 1000;
    sums[at + PredictionWord.COUNT]++;
  }
}
