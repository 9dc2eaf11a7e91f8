/** Learned balancing: whether it is worth it now, who is on trial, and what was decided. */
import { frame, topology } from "../../app/live.ts";
import { addressOf } from "../../app/router.ts";
import { Empty } from "../../widgets/text.tsx";
import { LearnedPool } from "./learned-pool.tsx";

/** The view. */
export function Learning() {
  const { learning } = frame.value!;
  return (
    <>
      <div class="head">
        <h1>Learning</h1>
        <p class="end dim">Costs are in mean latencies of the fleet: lower is better</p>
      </div>
      {learning.length === 0 ? (
        <section class="card">
          <Empty>
            No pool is balanced by what is learned. Switch a pool to <code>ml</code> under{" "}
            <a href={addressOf("routes")}>Pools & routes</a>
            {topology.value!.pools.length === 1 && ` (it is balanced by ${topology.value!.pools[0].strategy} now)`}.
          </Empty>
        </section>
      ) : (
        learning.map((pool) => <LearnedPool key={pool.pool} of={pool} several={learning.length > 1} />)
      )}
    </>
  );
}
