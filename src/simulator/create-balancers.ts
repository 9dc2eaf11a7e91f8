/** The balancers of a run, and what those of one instance share. */
import { hashString } from "../balancing/hash.ts";
import { seededRandom } from "../balancing/random.ts";
import { Standstills } from "../balancing/standstills.ts";
import type { FleetView, Strategy } from "../balancing/strategy.ts";
import { LEAST_USABLE, ringOrder } from "../balancing/subset.ts";
import type { Balancer } from "./balancer.ts";
import { SimulatedClasses } from "./classes/simulated-classes.ts";
import { ControlPlane, defaultControlOptions } from "./control-plane.ts";
import type { OracleSight } from "./greedy-oracle.ts";
import { HeldQueue } from "./holding/held-queue.ts";
import type { Policy } from "./policy.ts";
import type { RequestTable } from "./request-table.ts";
import type { Scenario } from "./scenario.ts";

/** What there is beside them. */
export interface World {
  readonly requests: RequestTable;
  /** By server, live: who it is. */
  readonly id: Int32Array;
  /** By server: requests in flight over all balancers. */
  readonly total: Int32Array;
  readonly sight: OracleSight;
  /** Of the run. */
  readonly seed: number;
}

/** Makes them. @param seeds draws a seed for each purpose. */
export function createBalancers(scenario: Scenario, policy: Policy, world: World, seeds: () => number): Balancer[] {
  const { servers, balancers, sharing, subset = 0 } = scenario;
  const { id, total, requests } = world;
  const n = servers.length;
  const control = defaultControlOptions();
  const options = { ...control, probes: policy.probes, outlier: { ...control.outlier, enabled: policy.ejection } };
  const weight = Float64Array.from(servers, ({ workers, speed }) => (policy.trueWeights ? workers * speed : 1));
  const identityHash = Uint32Array.from(servers, (_, i) => hashString(`server ${i}`));
  const order = subset > 0 ? ringOrder(servers.map((_, i) => `server ${i}`)) : [];
  const { sight } = world;
  const heardMs = new Float64Array(n);
  const together = sharing === "live" ? planeOf(0) : undefined;
  let mate: Strategy | undefined;
  let common: HeldQueue | undefined;
  let commonClasses: SimulatedClasses | undefined;
  return Array.from({ length: balancers }, (_, at) => {
    const plane = together ?? planeOf(at);
    const inFlight = together ? total : new Int32Array(n);
    // With one balancer, or apart from each other, everything in flight is the balancer's own.
    const isTold = typeof sharing === "number" && balancers > 1;
    const peers = sharing === "cluster" ? { inFlight: new Int32Array(n), transferring: new Int32Array(n) } : undefined;
    // Responses come in one piece here.
    const transferring = new Int32Array(n);
    const listening = { sinceMs: together ? heardMs : new Float64Array(n), transferring, clockOffsetMs: 0 };
    const classes = policy.classes === true ? (commonClasses ?? new SimulatedClasses(id, requests)) : undefined;
    if (together) commonClasses = classes;
    const fleet: FleetView = {
      inFlight,
      effectiveWeight: plane.effectiveWeight,
      weight,
      id,
      identityHash,
      together: isTold ? undefined : listening,
      peers,
      work: classes?.work,
    };
    const strategy = policy.create({ fleet, random: seededRandom(seeds()).next }, sight, mate);
    if (together) mate = strategy;
    // Who only hears of the others' requests now and then would hold requests at servers that have long been free.
    const holding =
      isTold || common !== undefined
        ? undefined
        : policy.createHolding?.(scenario, { id, inFlight, transferring, peers }, sight, world.seed + at);
    const queue = holding === undefined ? common : new HeldQueue(holding, requests);
    if (together) common = queue;
    return {
      strategy,
      control: plane,
      queue,
      classes,
      inFlight,
      peers,
      // Their servers respond at once and whole.
      transferring,
      id,
      candidates: new Int32Array(n),
      standstills: new Standstills(),
      count: 0,
      seenVersion: -1,
    };
  });

  /** @param at which balancer. */
  function planeOf(at: number): ControlPlane {
    const size = { size: subset, leastUsable: Math.ceil(subset * LEAST_USABLE) };
    const own = subset > 0 ? { ...options, subset: { order, place: { rank: at, of: balancers }, size } } : options;
    return new ControlPlane(weight, own, seededRandom(seeds()).next);
  }
}
