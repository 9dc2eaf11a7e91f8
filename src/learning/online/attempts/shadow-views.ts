/** What a candidate in shadow, the champion and the estimator would have said at a decision. */
import { crowdFactor } from "../../../balancing/crowd.ts";
import { FEATURE_NAMES } from "../../features/feature-names.ts";
import { FEATURE_COUNT } from "../../features/fleet-features.ts";
import type { DecisionViews } from "../../judge/record.ts";
import { costIn, type PublishedTable } from "../../serving/table-history.ts";
import type { RecordedDecision } from "../../serving/worker-rings.ts";

const LOG_EXPECTED = FEATURE_NAMES.indexOf("log_expected");

/** A candidate that fails: every response is no number, which ends its candidacy. */
const FAILING = { score: () => Number.NaN, predicted: () => Number.NaN };

/**
 * The views, or `undefined` when a candidate server is in neither table.
 *
 * What only the worker knew (the crowd, stalls, failures of the last moments, the weight) is taken from the score that it
 * noted: whatever it multiplied the champion's cost by, it would have multiplied the candidate's by.
 * @param champion the table in force then, or the newest before it.
 * @param shadow the candidate's of the same moment; `null` = it could not be made.
 * @param effectiveWeight by slot, as it is now.
 */
export function shadowViews(
  decision: RecordedDecision,
  champion: PublishedTable,
  shadow: PublishedTable | null,
  effectiveWeight: ArrayLike<number>,
): DecisionViews | undefined {
  const { features } = champion;
  const places = new Map<number, number>();
  /** By slot: what a cost is multiplied by to be a score. */
  const factors = new Map<number, number>();
  for (const { slot, inFlight, waiting, score } of decision.candidates) {
    const place = features.slots.indexOf(slot);
    if (place < 0 || (shadow !== null && shadow.features.slots[place] !== slot)) return undefined;
    places.set(slot, place);
    const known = score > 0 && Number.isFinite(score) && champion.isCost;
    const factor = known
      ? score / costIn(champion, place, inFlight)
      : crowdFactor(waiting, inFlight) / (effectiveWeight[slot] || 1);
    factors.set(slot, factor);
  }
  const row = new Float64Array(FEATURE_COUNT);
  const direct = (slot: number, inFlight: number): number => {
    features.fillRow(places.get(slot)!, inFlight, row, 0);
    return Math.exp(row[LOG_EXPECTED]);
  };
  const expected = (table: PublishedTable, slot: number, inFlight: number): number =>
    table.isCost ? costIn(table, places.get(slot)!, inFlight) / table.features.meanMs : Number.NaN;
  const byTable = decision.table !== 0;
  return {
    candidate:
      shadow === null
        ? FAILING
        : {
            score: (slot, inFlight) => costIn(shadow, places.get(slot)!, inFlight) * factors.get(slot)!,
            predicted: (slot, inFlight) => expected(shadow, slot, inFlight),
          },
    incumbent: {
      score: (slot, inFlight) => {
        if (!byTable) return direct(slot, inFlight) * factors.get(slot)!;
        const cost = costIn(champion, places.get(slot)!, inFlight);
        return champion.isCost ? cost * factors.get(slot)! : cost;
      },
      predicted: (slot, inFlight) => (byTable ? expected(champion, slot, inFlight) : direct(slot, inFlight)),
    },
    direct,
  };
}
