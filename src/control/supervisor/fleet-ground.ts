/** What overrides of servers are made to: the fleets alone, and for this run. */
import type { Override, OverrideTarget, ServerTarget } from "../../shared/operations/override.ts";
import { historyName } from "../../shared/server-name.ts";
import { MemoryOperationsStore } from "../../storage/operations/memory-store.ts";
import type { Configured, Ground } from "../operations/ground.ts";
import { Operations } from "../operations/operations.ts";
import type { SupervisorView } from "./status.ts";
import { Turns } from "./turns.ts";

/** Operations that reach servers only. */
export function fleetOperations(view: SupervisorView): Operations {
  const turns = new Turns(() => Promise.resolve());
  const { journal: events, clock } = view;
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  return new Operations({
    store: new MemoryOperationsStore(),
    ground: groundOf(view),
    inTurn: (work) => turns.take(work),
    log,
    events,
    wallMs: () => clock.wallMs(),
  });
}

function groundOf({ fleets }: SupervisorView): Ground {
  const idOf = (target: ServerTarget): number | undefined =>
    fleets.endpoints().find((endpoint) => historyName(endpoint).server === target.server)?.id;
  const configured = (of: OverrideTarget): Configured => {
    if (of.kind !== "weight" && of.kind !== "capacity" && of.kind !== "state") return { kind: "gone", why: "not yet" };
    const server = fleets.server(idOf(of.target) ?? 0);
    if (server === undefined) return { kind: "gone", why: "there is no such server" };
    const { configured_weight: weight, configured_capacity: capacity } = server;
    return { kind: "value", value: { weight, capacity, state: "active" }[of.kind] };
  };
  let before: readonly Override[] = [];
  return {
    values: { configured, isOf: () => true },
    problems: () => [],
    apply: async (overrides) => {
      for (const one of before) {
        if (one.kind === "state" && !overrides.some(({ id }) => id === one.id)) fleets.bringBack(idOf(one.target) ?? 0);
      }
      before = overrides;
      for (const { kind, target, value, reason, atMs: sinceMs, untilMs, by } of overrides) {
        const id = idOf(target as ServerTarget) ?? 0;
        if (kind === "weight") fleets.setWeight(id, value);
        if (kind === "capacity") fleets.setCapacity(id, value);
        if (kind === "state") fleets.withdraw(id, { kind: value, reason, sinceMs, untilMs, by });
      }
    },
  };
}
