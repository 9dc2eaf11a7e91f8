/** Which pools are learned of. */
import { LEARNED_STRATEGY } from "../../../balancing/registry.ts";
import type { LearnerPool } from "../../../protocol/learner.ts";
import type { ProxySettings } from "../../../protocol/worker.ts";

/** Those whose strategy is `ml`. */
export function learnedPools({ pools }: Pick<ProxySettings, "pools">): LearnerPool[] {
  return pools.filter(({ strategy }) => strategy === LEARNED_STRATEGY).map(({ row, name }) => ({ row, name }));
}
