/** What numbers in records mean now, for the processes that read them. */
import type { RecordedNames } from "../../protocol/recorded-names.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import { ROUTES } from "../../shared/memory/series-table.ts";
import type { Fleets } from "../fleet/fleets.ts";

/** Of these settings and fleets. */
export function recordedNames(
  { pools, routes }: Pick<ProxySettings, "pools" | "routes">,
  fleets: Pick<Fleets, "recorded">,
): RecordedNames {
  const configured = routes.map(({ name, number }) => ({ number, name }));
  const own = ROUTES.flatMap((name, number) =>
    configured.some((route) => route.number === number) ? [] : [{ number, name }],
  );
  return {
    servers: fleets.recorded(),
    pools: pools.map(({ row, name }) => ({ row, name })),
    routes: [...own, ...configured],
  };
}
