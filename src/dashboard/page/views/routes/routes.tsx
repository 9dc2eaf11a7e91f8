/** Pools with their strategy, routes with where they lead. */
import { frame, topology } from "../../app/live.ts";
import { addressOf } from "../../app/router.ts";
import { Empty } from "../../widgets/text.tsx";
import { PoolCard } from "./pool-card.tsx";
import { RouteRow } from "./route-row.tsx";

/** The view. */
export function Routes() {
  const { pools, routes } = topology.value!;
  const now = frame.value!;
  return (
    <>
      <div class="head">
        <h1>Pools & routes</h1>
        <p class="end dim">
          Which requests go to which pool, and how a server is chosen there ·{" "}
          <a href={addressOf("servers")}>their servers</a>
        </p>
      </div>
      <ul class="grid pools">
        {pools.map((pool) => (
          <PoolCard key={pool.name} pool={pool} live={now.pools.find(({ name }) => name === pool.name)} />
        ))}
      </ul>
      <section class="card" aria-labelledby="routes">
        <header>
          <h2 id="routes">Routes</h2>
          <p class="end dim">tried in this order</p>
        </header>
        {routes.length === 0 ? (
          <Empty>No route.</Empty>
        ) : (
          <div class="scroll">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">Route</th>
                  <th scope="col">Leads to</th>
                  <th scope="col" class="num">
                    Rate
                  </th>
                  <th scope="col" class="num">
                    5xx
                  </th>
                  <th scope="col" class="num">
                    p99
                  </th>
                  <th scope="col">
                    <span class="hidden">Acts</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {routes.map((route) => (
                  <RouteRow key={route.name} route={route} frame={now} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
    </>
  );
}
