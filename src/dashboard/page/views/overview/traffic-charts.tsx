/** Traffic, errors and latency over five minutes, an hour, or days; the days are the store's. */
import { useMemo } from "preact/hooks";
import { useAsked } from "../../app/asked.ts";
import { events, frame, recent, recentVersion, topology } from "../../app/live.ts";
import { place, setQuery } from "../../app/place.ts";
import { type ChartSeries, TimeChart } from "../../charts/time-chart.tsx";
import { marksOf } from "../../model/events.ts";
import { count, latency, latencyTick } from "../../model/format/numbers.ts";
import { COARSE_SPAN_MS, FINE_SPAN_MS, ofPool, seriesName, TOTAL } from "../../model/recent.ts";
import { type SpanName, STORE_SPANS, type StoredTraffic, trafficPoints } from "../../model/stored.ts";
import { Segments } from "../../widgets/controls.tsx";

const TRAFFIC: readonly ChartSeries[] = [
  { label: "requests/s", colour: "--series-1", filled: true },
  { label: "5xx/s", colour: "--series-bad" },
];
const LATENCY: readonly ChartSeries[] = [
  { label: "p50", colour: "--series-1" },
  { label: "p99", colour: "--series-2" },
];
const SPANS: readonly (readonly [SpanName, string])[] = [
  ["5m", "5 min"],
  ["1h", "1 h"],
  ["1d", "1 d"],
  ["7d", "7 d"],
  ["30d", "30 d"],
];
const MOST_MARKS = 120;
const STORE_EVERY_MS = 60_000;

/** Two charts over one time axis. */
export function TrafficCharts() {
  const at = frame.value!.at;
  const kept = topology.value!.instance.history;
  const span = spanOf(place.value.query.span, kept);
  const pool = place.value.query.pool ?? "";
  const stored = STORE_SPANS[span];
  const { body, error } = useAsked<StoredTraffic>(
    stored === undefined
      ? null
      : `/api/v1/stats?since=${span}&by=${stored.by}${pool === "" ? "" : `&pool=${encodeURIComponent(pool)}`}`,
    STORE_EVERY_MS,
  );
  const spanMs = stored?.spanMs ?? (span === "5m" ? FINE_SPAN_MS : COARSE_SPAN_MS);
  const of = pool === "" ? TOTAL : ofPool(pool);
  const version = recentVersion.value;
  const { traffic, times } = useMemo(() => {
    if (stored !== undefined) return trafficPoints(body);
    const names = ["rps", "s5xx", "p50", "p99"].map((what) => seriesName(of, what));
    const { at: axis, values } = recent.read(names, at, spanMs);
    return { traffic: { at: axis, values: values.slice(0, 2) }, times: { at: axis, values: values.slice(2) } };
  }, [stored, body, of, at, spanMs, version]);
  const marks = useMemo(
    () => marksOf(events.value, at - spanMs, spanMs / MOST_MARKS),
    [events.value, spanMs, Math.floor(at / 5000)],
  );
  const axis = [at - spanMs, at] as const;
  return (
    <section class="card" aria-label="Traffic and latency over time">
      <header>
        <h2>Traffic and latency</h2>
        <div class="end">
          <PoolChoice />
          <Segments
            label="Span of time"
            options={kept ? SPANS : SPANS.slice(0, 2)}
            value={span}
            onChange={(next) => setQuery({ span: next })}
          />
        </div>
      </header>
      <div class="body two">
        <TimeChart title="Traffic" points={traffic} series={TRAFFIC} format={rate} marks={marks} span={axis} />
        <TimeChart
          title="Latency"
          points={times}
          series={LATENCY}
          format={latency}
          tick={latencyTick}
          marks={marks}
          span={axis}
        />
        {stored !== undefined && error !== null && <p class="caution">The store does not answer: {error}</p>}
      </div>
    </section>
  );
}

function PoolChoice() {
  const pools = topology.value!.pools;
  if (pools.length < 2) return null;
  return (
    <select
      class="input pool-choice"
      aria-label="Pool"
      value={place.value.query.pool ?? ""}
      onChange={(event) => setQuery({ pool: event.currentTarget.value })}
    >
      <option value="">all pools</option>
      {pools.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function spanOf(text: string | undefined, kept: boolean): SpanName {
  const known = SPANS.some(([name]) => name === text) ? (text as SpanName) : "5m";
  return kept || STORE_SPANS[known] === undefined ? known : "5m";
}

function rate(value: number | null): string {
  return count(value);
}
