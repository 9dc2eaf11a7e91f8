/** Metrics of rate limits, over all workers. */
import { LimitCounter } from "../../../shared/memory/rate-limits/limit-file.ts";
import type { MetricDefinition, MetricGroup } from "../definition.ts";
import type { MetricsSource, RateLimitFigures } from "../source.ts";

const OUTCOMES = [
  ["allowed", LimitCounter.ALLOWED],
  ["refused", LimitCounter.REFUSED],
  ["would_refuse", LimitCounter.WOULD_REFUSE],
  ["exempt", LimitCounter.EXEMPT],
] as const;

function byLimit(
  name: string,
  type: "counter" | "gauge",
  help: string,
  read: (figures: RateLimitFigures) => number,
): MetricDefinition<MetricsSource> {
  return {
    name,
    type,
    help,
    labels: ["limit"],
    collect: ({ rateLimits }, emit) => {
      for (const figures of rateLimits()) emit(read(figures), { limit: figures.spec.name });
    },
  };
}

/** What limits say. */
export const rateLimitMetrics: MetricGroup<MetricsSource> = {
  title: "Rate limits",
  doc: "By `limit`, as the configuration calls it: 64 at most. Which keys are refused is for `neurabalancer limits`: their number is the clients' choice. See [rate-limits.md](rate-limits.md).",
  metrics: [
    {
      name: "rate_limit_requests_total",
      type: "counter",
      help: "Requests that fell under the limit: `allowed`, `refused` (429), `would_refuse` (they passed, because it is tried as `dry_run`), `exempt`. What another limit refused afterwards is counted as allowed here.",
      labels: ["limit", "outcome"],
      collect: ({ rateLimits }, emit) => {
        for (const { spec, counters } of rateLimits()) {
          for (const [outcome, word] of OUTCOMES) emit(counters[word], { limit: spec.name, outcome });
        }
      },
    },
    byLimit(
      "rate_limit_keys",
      "gauge",
      "Keys that are counted now; of more than 65,536 it is an estimate.",
      ({ keys }) => keys(),
    ),
    byLimit("rate_limit_max_keys", "gauge", "Keys that there is room for (`max_keys`).", ({ spec }) => spec.maxKeys),
    byLimit(
      "rate_limit_forgotten_keys_total",
      "counter",
      "Keys that were forgotten because there was no room for another one: their requests count anew.",
      ({ counters }) => counters[LimitCounter.FORGOTTEN],
    ),
    byLimit(
      "rate_limit_uncounted_requests_total",
      "counter",
      "Requests whose key found no room: passed or refused, as `when_full` says.",
      ({ counters }) => counters[LimitCounter.UNCOUNTED],
    ),
  ],
};
