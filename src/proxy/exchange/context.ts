/** What all exchanges of one worker share. The composition root of the request path (server.ts) fills it. */

import type { OutcomeConsumers } from "../outcome.ts";
import type { Picker } from "../pick/picker.ts";
import type { StickyKey } from "../pick/sticky-key.ts";
import type { WaitQueue } from "../pick/wait-queue.ts";
import type { Upstream } from "../upstream/leg.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { HedgeTimer } from "./attempts/hedge-timer.ts";
import type { RetryBudget } from "./attempts/retry-budget.ts";

/** One worker's parts between its clients and its servers. */
export interface ExchangeContext extends WorkerContext {
  stickyKey: StickyKey;
  retryBudget: RetryBudget;
  hedgeBudget: RetryBudget;
  readonly hedgeTimer: HedgeTimer;
  readonly picker: Picker;
  /** Who is told how attempts go. */
  outcomes: OutcomeConsumers;
  /** The servers by slot. */
  readonly upstreams: (Upstream | undefined)[];
  readonly queue: WaitQueue;
}
