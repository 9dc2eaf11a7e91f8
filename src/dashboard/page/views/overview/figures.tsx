/** The big numbers of now, each with how it came to be in the last five minutes. */
import { frame, recent, recentVersion } from "../../app/live.ts";
import { Sparkline } from "../../charts/sparkline.tsx";
import { byteFigure, countFigure, type Figure, joined, latencyFigure, percent } from "../../model/format/numbers.ts";
import { FINE_SPAN_MS, seriesName, TOTAL } from "../../model/recent.ts";
import { Value } from "../../widgets/text.tsx";

/** Six of them. */
export function Figures() {
  const { totals, pools, at } = frame.value!;
  void recentVersion.value;
  const series = (what: string) => recent.read([seriesName(TOTAL, what)], at, FINE_SPAN_MS).values[0];
  const failing = totals.rps === 0 ? null : totals.s5xx / totals.rps;
  const usable = pools.reduce((sum, pool) => sum + pool.usable, 0);
  const held = pools.reduce((sum, pool) => sum + pool.held, 0);
  const all = pools.reduce((sum, pool) => sum + pool.total, 0);
  return (
    <dl class="figures">
      <BigNumber
        name="Requests"
        figure={countFigure(totals.rps, "/s")}
        values={series("rps")}
        beside={`${joined(byteFigure(totals.bytes_out))}/s out`}
      />
      <BigNumber
        name="Latency, median"
        figure={latencyFigure(totals.p50)}
        values={series("p50")}
        beside="whole requests"
      />
      <BigNumber
        name="Latency, p99"
        figure={latencyFigure(totals.p99)}
        values={series("p99")}
        tone="series-2"
        beside="1 in 100 is slower"
      />
      <BigNumber
        name="Errors (5xx)"
        figure={countFigure(totals.s5xx, "/s")}
        values={series("s5xx")}
        tone={totals.s5xx > 0 ? "series-bad" : "quiet"}
        bad={failing !== null && failing >= 0.01}
        beside={`${percent(failing)} of requests`}
      />
      <BigNumber
        name="In flight"
        figure={countFigure(totals.in_flight)}
        values={series("in_flight")}
        beside={totals.queued === 0 ? "none waiting" : `${totals.queued} waiting${held === 0 ? "" : `, ${held} held`}`}
        bad={totals.queued > held}
        hint={held === 0 ? undefined : `${held} of those that wait are held: all servers are at their learned limits`}
      />
      <BigNumber
        name="Servers usable"
        figure={{ value: String(usable), unit: `of ${all}` }}
        values={series("failures")}
        tone={totals.failures > 0 ? "series-bad" : "quiet"}
        bad={all > 0 && usable === 0}
        beside={
          totals.failures === 0 ? "no failed attempts" : `${joined(countFigure(totals.failures, "/s"))} attempts failed`
        }
        hint={`${joined(countFigure(totals.retries, "/s"))} of requests were tried again`}
      />
    </dl>
  );
}

function BigNumber(props: {
  readonly name: string;
  readonly figure: Figure;
  readonly values: readonly (number | null)[];
  readonly tone?: string;
  readonly beside: string;
  readonly bad?: boolean;
  /** What more is to be said of what stands beside it. */
  readonly hint?: string;
}) {
  return (
    <div class={`figure card ${props.bad ? "bad" : ""}`}>
      <dt>{props.name}</dt>
      <dd class="big">
        <Value of={props.figure} />
      </dd>
      <dd class="spark">
        <Sparkline values={props.values} tone={props.tone} />
      </dd>
      <dd class="beside clip" title={props.hint}>
        {props.beside}
      </dd>
    </div>
  );
}
