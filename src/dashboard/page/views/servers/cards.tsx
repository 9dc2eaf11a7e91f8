/** A card for each server, for fleets that are seen at a glance. */
import { frame, recent, recentVersion } from "../../app/live.ts";
import { addressOf } from "../../app/router.ts";
import { Sparkline } from "../../charts/sparkline.tsx";
import { count, latency, percent } from "../../model/format/numbers.ts";
import { FINE_SPAN_MS, ofServer, seriesName } from "../../model/recent.ts";
import { loadOf, type ServerRow } from "../../model/server-list.ts";
import { Age, StateBadge } from "../../widgets/text.tsx";

/** In the order that is given. */
export function ServerCards({ rows }: { readonly rows: readonly ServerRow[] }) {
  const several = new Set(rows.map(({ pool }) => pool)).size > 1;
  return (
    <ul class="grid">
      {rows.map((row) => (
        <ServerCard key={row.id} row={row} several={several} />
      ))}
    </ul>
  );
}

function ServerCard({ row, several }: { readonly row: ServerRow; readonly several: boolean }) {
  const at = frame.value!.at;
  void recentVersion.value;
  const { values } = recent.read(
    [seriesName(ofServer(row.id), "rps"), seriesName(ofServer(row.id), "p99")],
    at,
    FINE_SPAN_MS,
  );
  const load = loadOf(row);
  return (
    <li class={`card server ${row.state}`}>
      <header>
        <h3 class="clip" title={row.name}>
          <a href={addressOf("servers", String(row.id))}>{row.name}</a>
        </h3>
        <span class="end">
          <StateBadge state={row.state} />
        </span>
      </header>
      <div class="body">
        <p class="why" title={row.state === "up" ? row.why : row.reason}>
          {row.state === "up" ? row.why || row.reason : row.reason || row.why}
        </p>
        <div class="share">
          <div class="meter" aria-hidden="true">
            <i style={{ width: `${(row.share ?? 0) * 100}%` }} />
          </div>
          <span class="clip">
            {percent(row.share)} <span class="dim">of {several ? row.pool : "its pool"}</span>
          </span>
        </div>
        <dl class="tiny">
          <Fact name="rate" value={count(row.rps, "/s")} />
          <Fact name="p50" value={latency(row.p50)} />
          <Fact name="p99" value={latency(row.p99)} />
          <Fact name="in flight" value={load.text} bad={load.isFull} title={load.meaning} />
          <Fact name="CPU" value={row.cpu === null ? "–" : `${Math.round(row.cpu)} %`} bad={(row.cpu ?? 0) >= 90} />
          <Fact
            name={row.predicted === null ? "errors" : "predicted"}
            value={row.predicted === null ? percent(row.errors) : latency(row.predicted)}
            bad={row.predicted === null && row.errors >= 0.01}
          />
        </dl>
        <Sparkline values={values[0]} />
        <p class="foot dim">
          <span>
            weight {row.weight}
            {row.effective !== row.weight && `, ${row.effective.toFixed(2)} now`}
          </span>
          <span>
            {row.state} for <Age ms={row.since} />
          </span>
        </p>
      </div>
    </li>
  );
}

function Fact(props: {
  readonly name: string;
  readonly value: string;
  readonly bad?: boolean;
  readonly title?: string;
}) {
  const { name, value, bad = false, title } = props;
  return (
    <div class={bad ? "bad" : ""} title={title}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
