import type { HeldFleet } from "../balancing/holding/room.ts";
import type { Standstills } from "../balancing/standstills.ts";
import type { PeerRequests, Strategy } from "../balancing/strategy.ts";
import type { SimulatedClasses } from "./classes/simulated-classes.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { HeldQueue } from "./holding/held-queue.ts";

/** A standstill of its own that is shorter is none that a balancer notices, milliseconds. */
const NOTICED_MS = 40;

/** One balancer: its strategy, and the fleet as it sees it. */
export interface Balancer extends HeldFleet {
  /** By server: of those in flight, what others told of; left out where nobody tells. */
  readonly peers: PeerRequests | undefined;
  readonly strategy: Strategy;
  readonly control: ControlPlane;
  /** What its instance holds; left out where nothing is held. */
  readonly queue: HeldQueue | undefined;
  /** What its instance knows of classes of requests; left out where it tells none apart. */
  readonly classes: SimulatedClasses | undefined;
  readonly candidates: Int32Array;
  readonly standstills: Standstills;
  count: number;
  seenVersion: number;
}

/** Takes in what the control plane has changed. */
export function refresh(balancer: Balancer): void {
  const { control, candidates, strategy } = balancer;
  if (balancer.seenVersion === control.version) return;
  balancer.seenVersion = control.version;
  balancer.count = control.eligible(candidates);
  if (balancer.count > 0) strategy.onCandidates?.(candidates, balancer.count);
}

/** It goes on after it stood still. */
export function tellOfStandstill({ standstills, strategy }: Balancer, fromMs: number, untilMs: number): void {
  if (untilMs - fromMs < NOTICED_MS) return;
  standstills.add(fromMs, untilMs);
  strategy.onStandstill?.(fromMs, untilMs);
}
