/** Rate limits with their figures, for the admin API. */
import { termsOf } from "../../../config/overrides/rate-limits.ts";
import { describeKey } from "../../../protocol/rate-limit.ts";
import { LimitCounter } from "../../../shared/memory/rate-limits/limit-file.ts";
import type { ShownRateLimit } from "../../admin/answers/rate-limits.ts";
import type { SupervisorView } from "../status.ts";

/** Those in force, in the order of the configuration. */
export function describeRateLimits({ rateLimits, operating, clock, bootOffsetMs }: SupervisorView): ShownRateLimit[] {
  const overrides = operating.operations.inForceOf("rate_limit");
  const sinceBootMs = clock.nowMs() + bootOffsetMs();
  return rateLimits.figures().map(({ spec, counters, keys, mostRefused }) => ({
    name: spec.name,
    ...termsOf(spec),
    configured: overrides.find(({ target }) => target.limit === spec.name)?.configured ?? termsOf(spec),
    key: spec.key.map(describeKey),
    routes: spec.routes,
    pools: spec.pools,
    clients: spec.clients,
    exempt: spec.exempt,
    max_keys: spec.maxKeys,
    when_full: spec.whenFull,
    shared: spec.shared && {
      when_away: spec.shared.whenAway,
      advance: spec.shared.advancePercent,
      instances: rateLimits.instances,
      away: rateLimits.away,
    },
    keys: keys(),
    allowed: counters[LimitCounter.ALLOWED],
    refused: counters[LimitCounter.REFUSED],
    would_refuse: counters[LimitCounter.WOULD_REFUSE],
    exempted: counters[LimitCounter.EXEMPT],
    forgotten_keys: counters[LimitCounter.FORGOTTEN],
    uncounted: counters[LimitCounter.UNCOUNTED],
    most_refused: mostRefused().map(({ name, count, lastMs }) => ({
      key: name,
      refused: count,
      last_at: new Date(Math.round(clock.wallMs() - (sinceBootMs - lastMs))).toISOString(),
    })),
  })) as ShownRateLimit[];
}
