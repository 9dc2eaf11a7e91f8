/** Which pools are learned of. */
import { LEARNED_STRATEGY } from "../../../balancing/registry.ts";
import type { LearnerPool } from "../../../protocol/learner.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";

/** Those whose strategy is `ml`, and those of whose traffic samples are kept. */
export function learnedPools({ pools }: Pick<ProxySettings, "pools">): LearnerPool[] {
  return pools.flatMap(({ row, name, strategy, keepSamples }): LearnerPool[] => {
    if (strategy === LEARNED_STRATEGY) return [{ row, name }];
    return keepSamples ? [{ row, name, observed: true }] : [];
  });
}

/** Is any of them balanced by what is learned? */
export function isAnyBalanced(pools: readonly LearnerPool[]): boolean {
  return pools.some(({ observed }) => observed !== true);
}
