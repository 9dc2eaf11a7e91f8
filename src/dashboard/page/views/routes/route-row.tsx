/** One route: its pools as a bar of shares, and what goes through it. */
import type { LiveFrame } from "../../../../shared/live/frame.ts";
import type { KnownRoute } from "../../../../shared/live/topology.ts";
import { topology } from "../../app/live.ts";
import { addressOf } from "../../app/router.ts";
import { count, latency, percent } from "../../model/format/numbers.ts";
import { ActButton } from "../../widgets/controls.tsx";
import { changeSplit } from "./acts.ts";

/** A row of the table. */
export function RouteRow({ route, frame }: { readonly route: KnownRoute; readonly frame: LiveFrame }) {
  const live = frame.routes.find(({ name }) => name === route.name);
  const flows = frame.flows.filter((flow) => flow.route === route.name);
  const total = route.targets.reduce((sum, { weight }) => sum + weight, 0);
  const slowest = Math.max(...flows.map(({ p99 }) => p99 ?? Number.NEGATIVE_INFINITY));
  const several = topology.value!.pools.length > 1;
  return (
    <tr>
      <th scope="row">
        <a href={addressOf("requests", "", { route: route.name })}>{route.name}</a>
      </th>
      <td>
        {route.targets.length === 0 ? (
          <span class="dim">answered here</span>
        ) : (
          route.targets.map(({ pool, weight }) => (
            <span key={pool} class="target">
              {pool} {route.targets.length > 1 && <b>{percent(total === 0 ? 0 : weight / total)}</b>}
            </span>
          ))
        )}
      </td>
      <td class="num">{count(live?.rps ?? 0, "/s")}</td>
      <td class={`num ${(live?.s5xx ?? 0) > 0 ? "alarm" : ""}`}>{count(live?.s5xx ?? 0, "/s")}</td>
      <td class="num">{latency(Number.isFinite(slowest) ? slowest : null)}</td>
      <td class="num">
        {route.targets.length > 0 && several && (
          <span class="row end">
            <ActButton class="small" onPress={() => changeSplit(route.name, route.targets)}>
              Split
            </ActButton>
          </span>
        )}
      </td>
    </tr>
  );
}
