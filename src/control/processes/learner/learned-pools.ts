/** Which pools are learned of. */
import { LEARNED_STRATEGY } from "../../../balancing/registry.ts";
import type { LearnerPool } from "../../../protocol/learner.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";

/**
 * Those whose strategy is `ml`, those of whose traffic samples are kept, those whose servers' limits are learned, and those
 * whose classes of requests are.
 */
export function learnedPools({ pools }: Pick<ProxySettings, "pools">): LearnerPool[] {
  return pools.flatMap(({ row, name, strategy, keepSamples, learnsLimits, requestClasses }): LearnerPool[] => {
    const learned = {
      ...(learnsLimits ? ({ limits: true } as const) : {}),
      ...(requestClasses ? ({ classes: true } as const) : {}),
    };
    if (strategy === LEARNED_STRATEGY) return [{ row, name, ...learned }];
    if (!keepSamples && !learnsLimits && !requestClasses) return [];
    return [{ row, name, observed: true, ...(keepSamples ? { samples: true } : {}), ...learned }];
  });
}

/** Is any of them balanced by what is learned? */
export function isAnyBalanced(pools: readonly LearnerPool[]): boolean {
  return pools.some(({ observed }) => observed !== true);
}
