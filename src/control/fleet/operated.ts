/** What operators want of servers, by the names that these have whenever they come. */
import type { Override, OverrideOf, ServerTarget } from "../../shared/operations/override.ts";
import { historyName } from "../../shared/server-name.ts";
import type { DiscoveredServer } from "../discovery/discovered-server.ts";
import { changeActor } from "../events/events.ts";
import type { Withdrawal } from "./withdrawal.ts";

/** Of one server; `null` = nothing is wanted of it. */
export interface OperatedServer {
  readonly weight: number | null;
  /** Most requests in flight; 0 = not enforced. */
  readonly capacity: number | null;
  readonly withdrawal: Withdrawal | null;
}

const NOTHING: OperatedServer = { weight: null, capacity: null, withdrawal: null };

/** Of all pools. */
export class OperatedServers {
  readonly #byServer = new Map<string, OperatedServer>();

  /** @param overrides those in force. */
  constructor(overrides: readonly Override[] = []) {
    for (const override of overrides) {
      if (override.kind === "weight") this.#add(override.target, { weight: override.value });
      else if (override.kind === "capacity") this.#add(override.target, { capacity: override.value });
      else if (override.kind === "state") this.#add(override.target, { withdrawal: withdrawalOf(override) });
    }
  }

  /** What is wanted of this one. */
  of(pool: string, { hostname, address, port, eitherLoopback }: DiscoveredServer): OperatedServer {
    if (this.#byServer.size === 0) return NOTHING;
    const name = historyName({ hostname, address, port });
    const found = this.#byServer.get(keyOf({ pool, ...name }));
    if (found !== undefined || eitherLoopback !== true) return found ?? NOTHING;
    // It is the same server by whichever of this machine's addresses it was found.
    const other = ["127.0.0.1", "::1"].map((loopback) => {
      return this.#byServer.get(keyOf({ pool, ...historyName({ hostname, address: loopback, port }) }));
    });
    return other.find((one) => one !== undefined) ?? NOTHING;
  }

  #add(target: ServerTarget, what: Partial<OperatedServer>): void {
    const key = keyOf(target);
    this.#byServer.set(key, { ...(this.#byServer.get(key) ?? NOTHING), ...what });
  }
}

function withdrawalOf({ value: kind, reason, atMs, untilMs, by, client }: OverrideOf<"state">): Withdrawal {
  return { kind, reason, sinceMs: atMs, untilMs, by: changeActor(by, client) };
}

function keyOf({ pool, server, address }: ServerTarget): string {
  return JSON.stringify([pool, server, address]);
}
