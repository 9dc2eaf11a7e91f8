/** Pools with their strategy, routes with where they lead. */
import { frame, topology } from "../../app/live.ts";
import { Table } from "../../widgets/table.tsx";
import { Empty } from "../../widgets/text.tsx";
import { CanariesCard } from "./canaries.tsx";
import { ClassesCard } from "./classes.tsx";
import { LimitsCard } from "./limits.tsx";
import { PoolCard } from "./pool-card.tsx";
import { routeColumns } from "./route-columns.tsx";

/** The view. */
export function Routes() {
  const { pools, routes } = topology.value!;
  const now = frame.value!;
  return (
    <>
      <div class="head">
        <h1>Pools & routes</h1>
        <p class="end dim">Which requests go to which pool, and how a server is chosen there</p>
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
          <Table columns={routeColumns(now)} rows={routes} keyOf={({ name }) => name} />
        )}
      </section>
      <CanariesCard />
      <LimitsCard />
      <ClassesCard />
    </>
  );
}
