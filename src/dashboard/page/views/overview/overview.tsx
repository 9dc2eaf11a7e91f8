/** The first view: is all well, how much is there, how fast is it, where does it go. */
import { useMemo } from "preact/hooks";
import { events, frame, servers, topology } from "../../app/live.ts";
import { addressOf } from "../../app/router.ts";
import { FlowChart } from "../../charts/flow-chart.tsx";
import { Empty, Time } from "../../widgets/text.tsx";
import { EventList } from "../event-list.tsx";
import { ServerCards } from "../servers/cards.tsx";
import { ServerTable } from "../servers/table.tsx";
import { Figures } from "./figures.tsx";
import { TrafficCharts } from "./traffic-charts.tsx";

/** As many fit as cards; more are a table. */
export const MOST_CARDS = 12;

/** Over what the numbers below add up, and since when. */
function Scope() {
  const { instance, pools } = topology.value!;
  const all = pools.length === 1 ? `pool ${pools[0].name}` : `all ${pools.length} pools`;
  return <>{`${all} of ${frame.value!.instances.join(", ")} · ${instance.adds_up_over} · last 5 s`}</>;
}

/** The view. */
export function Overview() {
  const now = frame.value!;
  const all = servers.value;
  const latest = useMemo(() => events.value.slice(0, 6), [events.value]);
  return (
    <>
      <div class="head">
        <h1>Overview</h1>
        <p class="end dim">
          <Scope />
        </p>
      </div>
      <Figures />
      <TrafficCharts />
      <div class="two">
        <section class="card" aria-labelledby="flow">
          <header>
            <h2 id="flow">How traffic flows</h2>
            <p class="end dim">last 5 s</p>
          </header>
          <div class="body">
            {now.totals.rps === 0 ? (
              <Empty>No requests in the last five seconds.</Empty>
            ) : (
              <FlowChart frame={now} servers={all} instance={topology.value!.instance.name} />
            )}
          </div>
        </section>
        <section class="card" aria-labelledby="latest">
          <header>
            <h2 id="latest">What happened last</h2>
            <a class="end" href={addressOf("timeline")}>
              Time line
            </a>
          </header>
          <div class="body">
            {latest.length === 0 ? (
              <Empty>
                Nothing has happened since <Time ms={topology.value!.instance.started} />.
              </Empty>
            ) : (
              <EventList events={latest} brief />
            )}
          </div>
        </section>
      </div>
      <section class="stack" aria-labelledby="servers-title">
        <div class="head">
          <h2 id="servers-title">Servers</h2>
          <a class="end" href={addressOf("servers")}>
            All {all.length}
          </a>
        </div>
        {all.length === 0 ? (
          <Empty>No server is configured: set SERVERS, or add one under Servers.</Empty>
        ) : all.length <= MOST_CARDS ? (
          <ServerCards rows={all} />
        ) : (
          <ServerTable rows={all} heightPx={460} />
        )}
      </section>
    </>
  );
}
