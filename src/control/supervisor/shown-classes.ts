/** Classes of requests, as the admin API shows them. */
import { type PublishedClass, readClasses } from "../../shared/memory/class-table.ts";
import type { SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import type { ShownClass, ShownClasses } from "../admin/answers/classes.ts";
import type { Learner } from "../processes/learner/learner.ts";

/** Where they are read. */
export interface ClassesView {
  readonly memory: Pick<SharedMemory, "classes">;
  readonly learner: Pick<Learner, "classed">;
  /** Name of the route that is counted under a number. */
  readonly routeName: (number: number) => string;
}

/** As they are now, of all pools that tell them apart. */
export function shownClasses({ memory, learner, routeName }: ClassesView): ShownClasses {
  const pools = learner.classed;
  return {
    pools: pools.map(({ name }) => name),
    classes: pools.flatMap(({ row, name }) =>
      readClasses(memory.classes.pools[row])
        .map((one) => shown(one, name, routeName))
        .sort((a, b) => b.work_share - a.work_share),
    ),
  };
}

function shown(one: PublishedClass, pool: string, routeName: ClassesView["routeName"]): ShownClass {
  return {
    pool,
    route: one.route === null ? null : routeName(one.route),
    method: one.method,
    template: one.template,
    cost: rounded(one.cost),
    cost_error: one.error === 0 ? null : rounded(one.error),
    least_cost: rounded(one.leastCost),
    greatest_cost: rounded(one.greatestCost),
    share: rounded(one.share),
    work_share: rounded(one.workShare),
    mean_ms: one.meanMs === 0 ? null : rounded(one.meanMs),
    requests: one.requests,
  };
}

/** Three digits behind the point are more than is known. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
