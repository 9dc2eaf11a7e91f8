/** Who waits for servers of a pool, and whether requests to it are held: as pools are shown with. */

import type { SharedMemory } from "../../../shared/memory/layout/shared-memory.ts";
import type { ShownHoldState } from "../../../shared/memory/learned-limits.ts";
import { readPoolQueue } from "../../../shared/memory/pool-queue.ts";
import type { ControlClock } from "../../clock.ts";
import type { Learner } from "./learner.ts";

/** Where it is read. */
export interface PoolWaitingView {
  readonly memory: SharedMemory;
  readonly learner: Pick<Learner, "limited">;
  readonly clock: Pick<ControlClock, "nowMs">;
  /** What, added to its monotonic time, gives the boot clock (boot-clock.ts). */
  readonly bootOffsetMs: () => number;
}

/** For people. */
const WHY: Readonly<Record<ShownHoldState, string>> = {
  off: "limits of servers are not learned (CONCURRENCY_LIMITS)",
  learning: "no server has a limit: too little is known of them yet, or they take hundreds of requests at once",
  holding: "requests wait here while every server works on as many as its limit",
  stopped: "requests fared worse where they were held, so none is for a while",
  stale: "the learner has said nothing of limits for a second, so no request is held",
};

const RELAXED = "limits are relaxed for now, because requests were held for long without a break";

/** Of a pool of this name, in this row of the table of pools. */
export function poolWaiting({ memory, learner, clock, bootOffsetMs }: PoolWaitingView) {
  const limited = new Map(learner.limited.map((pool) => [pool.name, pool]));
  const nowMs = clock.nowMs() + bootOffsetMs();
  return (name: string, row: number) => {
    const { waiting, held, oldestMs } = readPoolQueue(memory, row);
    const { state = "off", patienceMs = null, relaxation = null, verdict = null } = limited.get(name) ?? {};
    const why = state === "stopped" && verdict !== null ? `${WHY.stopped}: ${verdict}` : WHY[state];
    return {
      queue: { waiting, held, oldest_ms: oldestMs === null ? null : Math.max(0, Math.round(nowMs - oldestMs)) },
      holding: {
        state,
        why: state === "holding" && relaxation !== null && relaxation > 1 ? `${why}; ${RELAXED}` : why,
        patience_ms: patienceMs === null ? null : Math.round(patienceMs),
        relaxation: relaxation === null ? null : Math.round(relaxation * 100) / 100,
      },
    };
  };
}
