/** One server beside the list: everything that is known of it, its last hour, and what may be done. */
import { useMemo } from "preact/hooks";
import type { LiveRecent } from "../../../../shared/live/recent.ts";
import type { ServerDetails } from "../../api/shapes.ts";
import { useAsked } from "../../app/asked.ts";
import { events, frame, recent, recentVersion, servers } from "../../app/live.ts";
import { place } from "../../app/place.ts";
import { addressOf } from "../../app/router.ts";
import { type ChartSeries, TimeChart } from "../../charts/time-chart.tsx";
import { marksOf } from "../../model/events.ts";
import { count, latency, latencyTick, percent, plural } from "../../model/format/numbers.ts";
import { COARSE_SPAN_MS, ofServer, seriesName } from "../../model/recent.ts";
import type { ServerRow } from "../../model/server-list.ts";
import { Dialog } from "../../widgets/dialog.tsx";
import { Age, Empty, Facts, StateBadge, Time } from "../../widgets/text.tsx";
import { EventList } from "../event-list.tsx";
import { ServerActs } from "./act-menu.tsx";

const LATENCY: readonly ChartSeries[] = [
  { label: "p50", colour: "--series-1" },
  { label: "p99", colour: "--series-2" },
];
const LOAD: readonly ChartSeries[] = [
  { label: "requests/s", colour: "--series-1", filled: true },
  { label: "in flight", colour: "--series-3" },
];
const EVENTS = 8;
/** Of more than these the last hour is told of those that are asked for. */
const REMEMBERED_SERVERS = 24;

/** Open while the address names a server. */
export function ServerPanel() {
  const { view, item, query } = place.value;
  if (view !== "servers" || item === "" || frame.value === null) return null;
  const server = servers.value.find(({ id }) => String(id) === item);
  const close = () => {
    location.hash = addressOf("servers", "", query);
  };
  if (server === undefined) {
    return (
      <Dialog title="No such server" kind="side" onClose={close}>
        <Empty>It is gone: ids are not used twice.</Empty>
      </Dialog>
    );
  }
  return (
    <Dialog
      kind="side"
      onClose={close}
      title={
        <>
          {server.name} <StateBadge state={server.state} />
        </>
      }
    >
      <Panel server={server} />
    </Dialog>
  );
}

function Panel({ server }: { readonly server: ServerRow }) {
  const at = frame.value!.at;
  const version = recentVersion.value;
  const many = servers.value.length > REMEMBERED_SERVERS;
  const { body } = useAsked<ServerDetails>(`/api/v1/servers/${server.id}`, 5_000);
  const hour = useAsked<LiveRecent>(many ? `/api/v1/live/recent?servers=${server.id}` : null, 10_000).body;
  const [times, load] = useMemo(() => {
    const own = hour?.servers[server.id];
    if (hour !== null && own !== undefined) {
      return [
        { at: hour.at, values: [own.p50, own.p99] },
        { at: hour.at, values: [own.rps, own.in_flight] },
      ];
    }
    const read = (...what: string[]) =>
      recent.read(
        what.map((name) => seriesName(ofServer(server.id), name)),
        at,
        COARSE_SPAN_MS,
      );
    return [read("p50", "p99"), read("rps", "in_flight")];
  }, [server.id, Math.floor(at / 5000), version, hour]);
  const its = events.value.filter(
    (event) => event.server === server.name && (event.pool === "" || event.pool === server.pool),
  );
  const marks = useMemo(
    () => marksOf(its, at - COARSE_SPAN_MS, COARSE_SPAN_MS / 120),
    [its.length, Math.floor(at / 5000)],
  );
  const span = [at - COARSE_SPAN_MS, at] as const;
  const rest = body?.maintenance ?? null;
  return (
    <div class="body">
      <p>
        {server.reason}
        <span class="dim">
          {" "}
          · for <Age ms={server.since} />
        </span>
      </p>
      {rest !== null && (
        <p class="caution">
          {rest.reason === "" ? "No reason was given" : rest.reason} · by {rest.by || "local"}
          {rest.until !== null && (
            <>
              , until <Time ms={Date.parse(rest.until)} />
            </>
          )}
        </p>
      )}
      <ServerActs server={server} />
      {server.why !== "" && (
        <div class="preview">
          <p class="label">Why it gets what it gets</p>
          <p>{server.why}</p>
        </div>
      )}
      <Facts
        of={[
          ["Share of the pool", `${percent(server.share)} · ${count(server.rps, "/s")}`],
          ["In flight", String(server.in_flight)],
          [
            "Learned limit",
            server.concurrency_limit === null
              ? "none"
              : `works on ${plural(server.concurrency_limit, "request")} at once`,
          ],
          ["Latency to the head", `p50 ${latency(server.p50)}, p99 ${latency(server.p99)}`],
          ["Failed attempts", percent(server.errors)],
          [
            "CPU, memory",
            `${server.cpu === null ? "–" : `${Math.round(server.cpu)} %`}, ${server.memory === null ? "–" : `${Math.round(server.memory)} %`}`,
          ],
          ...(server.predicted === null
            ? []
            : [["Predicted, came", `${latency(server.predicted)}, ${latency(server.actual)}`] as const]),
          [
            "Weight",
            `${server.weight} (${server.weight_origin}; configured ${server.configured_weight})${server.effective === server.weight ? "" : `, ${server.effective.toFixed(2)} in slow start`}`,
          ],
          ["Hard limit", server.hard_limit === 0 ? "not enforced" : `${server.hard_limit} (${server.capacity_origin})`],
          [
            "Pool",
            `${server.pool}${server.backup ? ", backup" : ""}${server.zone === null ? "" : `, zone ${server.zone}`}`,
          ],
          [
            "Address",
            <span class="mono">
              {server.url}
              {server.address !== "" && ` (${server.address})`}
            </span>,
          ],
        ]}
      />
      <TimeChart
        title="Latency, last hour"
        points={times}
        series={LATENCY}
        format={latency}
        tick={latencyTick}
        marks={marks}
        span={span}
        height={120}
      />
      <TimeChart
        title="Load, last hour"
        points={load}
        series={LOAD}
        format={(value) => count(value)}
        marks={marks}
        span={span}
        height={120}
      />
      <h3>What happened to it</h3>
      {its.length === 0 ? (
        <p class="dim">Nothing that is remembered.</p>
      ) : (
        <EventList events={its.slice(0, EVENTS)} brief />
      )}
      <p>
        <a href={addressOf("requests", "", { server: server.name, reason: "failed" })}>Its failed requests</a> ·{" "}
        <a href={addressOf("requests", "", { server: server.name, reason: "slow" })}>its slow requests</a>
      </p>
    </div>
  );
}
