/** Makes of a worker's notes what judges and trainers can use: how the attempt was placed, and what was known then. */

import { typicalLatencyMs } from "../../../balancing/request-work.ts";
import { ARM_NAMES, DecisionArm, Rung, STALE_TABLE_MS } from "../../../shared/memory/layout/learning.ts";
import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import type { AttemptRecord } from "../../judge/record.ts";
import type { PublishedTable, TableHistory } from "../../serving/table-history.ts";
import { TableModel } from "../../serving/table-writer.ts";
import { findDecision, type RecordedDecision, type RecordedOutcome } from "../../serving/worker-rings.ts";
import { TableIndex } from "./table-index.ts";

/** A finished attempt. */
export interface ReadAttempt {
  readonly record: AttemptRecord;
  readonly decision: RecordedDecision;
  /** The table that it was placed by, or the newest champion's then; `null` = it is not remembered any more. */
  readonly table: PublishedTable | null;
}

export class AttemptReader {
  readonly #memory: SharedMemory;
  readonly #history: TableHistory;
  readonly #index = new TableIndex();

  constructor(memory: SharedMemory, history: TableHistory) {
    this.#memory = memory;
    this.#history = history;
  }

  /** Must be told of each table. */
  onTable(table: PublishedTable): void {
    this.#index.add(table);
  }

  /** `undefined` when `ml` did not place it, its decision is overwritten, or its table was made by another process. */
  read(outcome: RecordedOutcome): ReadAttempt | undefined {
    if (outcome.decision === 0) return undefined;
    const decision = findDecision(this.#memory, outcome.worker, outcome.decision);
    if (decision === undefined || decision.serverId !== outcome.serverId) return undefined;
    const { arm, rung, table: sequence, atMs, propensity } = decision;
    if (!(propensity > 0 && propensity <= 1) || ARM_NAMES[arm] === undefined) return undefined;
    const byModel = rung === Rung.MODEL && sequence !== 0;
    const kind = arm === DecisionArm.CANARY ? TableModel.CANARY : TableModel.CHAMPION;
    const indexed = byModel ? this.#index.find(kind, sequence) : this.#index.at(atMs);
    if (indexed === undefined || !(indexed.meanMs > 0) || (!byModel && atMs - indexed.atMs > STALE_TABLE_MS))
      return undefined;
    const table = this.#history.find(byModel ? kind : TableModel.CHAMPION, indexed.sequence) ?? null;
    const record: AttemptRecord = {
      arm: ARM_NAMES[arm],
      modelVersion: byModel ? indexed.modelVersion : null,
      slot: decision.slot,
      latencyMs: outcome.latencyMs,
      typicalMs: typicalMs(outcome, table),
      failed: outcome.failed,
      inFlight: outcome.inFlight,
      dispatchedMs: atMs,
      endedMs: outcome.atMs,
      propensity,
      meanMs: indexed.meanMs,
      candidates: decision.candidates.map(({ slot }) => slot),
      candidatesInFlight: decision.candidates.map(({ inFlight }) => inFlight),
    };
    return { record, decision, table };
  }

  /** The shadow's table of the moment of a decision; `undefined` = there was none. */
  shadowAt(atMs: number): PublishedTable | undefined {
    const found = this.#history.at(TableModel.SHADOW, atMs);
    return found !== undefined && atMs - found.atMs <= STALE_TABLE_MS ? found : undefined;
  }
}

/** What a mean request would have taken: what models predict, and are trained with. */
function typicalMs(
  { slot, serverId, latencyMs, failed, inFlight, work }: RecordedOutcome,
  table: PublishedTable | null,
) {
  const server = work === undefined || failed ? -1 : (table?.features.indexOf(slot, serverId) ?? -1);
  if (work === undefined || table === null || server < 0) return latencyMs;
  return typicalLatencyMs(latencyMs, Math.max(1, table.features.growth(server, inFlight)), work.own, work.others);
}
