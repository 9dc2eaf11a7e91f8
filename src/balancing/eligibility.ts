/** Which published states may take requests. The proxy's picker and the simulator ask here. */
import { ServerState } from "../shared/memory/layout/shared-memory.ts";

/** @param panic panic routing is on: the verdicts of probes and ejection are not believed, those of operators are. */
export function isEligible(state: number, panic: boolean): boolean {
  return state === ServerState.UP || (panic && (state === ServerState.DOWN || state === ServerState.EJECTED));
}
