/** Metrics of requests that wait for a server of a pool, and of those of them that are held because of learned limits. */

import { QueueWord } from "../../../shared/memory/layout/queues.ts";
import { SHOWN_HOLD_STATES } from "../../../shared/memory/learned-limits.ts";
import { type PoolQueue, readPoolQueue } from "../../../shared/memory/pool-queue.ts";
import type { MetricDefinition, MetricGroup } from "../definition.ts";
import { labelOfPool } from "../pool-label.ts";
import type { MetricsSource } from "../source.ts";

type Definition = MetricDefinition<MetricsSource>;

/** How it is with a pool's queue now. */
function ofQueues(name: string, help: string, value: (queue: PoolQueue, nowMs: number) => number): Definition {
  return {
    name,
    type: "gauge",
    help,
    perPool: true,
    collect: (source, emit) => {
      const poolOf = labelOfPool(source);
      const nowMs = source.bootMs();
      for (const pool of source.topology().pools) {
        emit(value(readPoolQueue(source.memory, pool.row), nowMs), poolOf(pool.name));
      }
    },
  };
}

/** Since the pool is there. @param word a `QueueWord`. */
function counted(name: string, word: number, help: string): Definition {
  return {
    name,
    type: "counter",
    help,
    perPool: true,
    collect: (source, emit) => {
      const poolOf = labelOfPool(source);
      for (const pool of source.topology().pools) emit(source.waits.countsOf(pool.name)[word], poolOf(pool.name));
    },
  };
}

/** Who waits, and why. */
export const holdingMetrics: MetricGroup<MetricsSource> = {
  title: "Waiting for a server",
  doc: "A request waits while every server is at its hard limit, and it is *held* while every server works on as many as was learned that it can ([holding](holding.md)).",
  metrics: [
    ofQueues("pool_queue_length", "Requests that wait for a server of the pool.", ({ waiting }) => waiting),
    ofQueues("pool_queue_held", "Those of them that are held because of learned limits.", ({ held }) => held),
    ofQueues(
      "pool_queue_oldest_seconds",
      "How long the request has waited that waits longest, seconds; 0 while none waits.",
      ({ oldestMs }, nowMs) => (oldestMs === null ? 0 : Math.max(0, nowMs - oldestMs) / 1000),
    ),
    counted(
      "held_sent_anyway_total",
      QueueWord.SENT_ANYWAY,
      "Held requests whose patience was over: they were sent although every server was at its learned limit. Many of them mean that limits are too small, or that the fleet is overloaded.",
    ),
    counted(
      "queue_shed_total",
      QueueWord.SHED,
      "Requests that were refused while they waited, because all have waited for long: in lasting overload some are refused early, so that the others are served in time.",
    ),
    counted("queue_left_total", QueueWord.LEFT, "Requests whose client went away while they waited."),
    {
      name: "holding_state",
      type: "gauge",
      help: "1 for what holds for the pool: `off` (limits are not learned), `learning` (no server has one yet, or needs one), `holding` (requests are held while all servers are at their limits), `stopped` (they fared worse by it: the guardrail has ended it for a while), `stale` (the learner is silent, so none is held).",
      labels: ["state"],
      perPool: true,
      collect: (source, emit) => {
        const poolOf = labelOfPool(source);
        const states = new Map(source.learner().limited.map(({ name, state }) => [name, state]));
        for (const { name } of source.topology().pools) {
          const present = states.get(name) ?? "off";
          for (const state of SHOWN_HOLD_STATES) emit(present === state ? 1 : 0, { state, ...poolOf(name) });
        }
      },
    },
    {
      name: "holding_patience_seconds",
      type: "gauge",
      help: "How long a request is held at most; nothing where that is not known. It follows the fleet's own pace.",
      perPool: true,
      collect: (source, emit) => {
        const poolOf = labelOfPool(source);
        for (const { name, patienceMs } of source.learner().limited) {
          if (patienceMs !== null) emit(patienceMs / 1000, poolOf(name));
        }
      },
    },
    {
      name: "holding_relaxation",
      type: "gauge",
      help: "What the learned limits of servers are multiplied by, because requests were held for long without a break (above 1: limits were too small); nothing where that is not known.",
      perPool: true,
      collect: (source, emit) => {
        const poolOf = labelOfPool(source);
        for (const { name, relaxation } of source.learner().limited) {
          if (relaxation !== null) emit(relaxation, poolOf(name));
        }
      },
    },
  ],
};
