/** Says in the log what becomes of servers and of the fleet: each change once. */

import type { OutlierOptions } from "../../health/outlier-ejection.ts";
import { ServerState } from "../../shared/memory/layout.ts";
import type { ControlClock } from "../clock.ts";
import type { ControlLog } from "../log.ts";
import type { FleetServer } from "./server.ts";

/** What is counted as it is said. */
export interface AnnouncedCounts {
  panics: number;
  stateChanges: number;
}

/** One fleet's. */
export class FleetAnnouncer {
  readonly #log: ControlLog;
  readonly #clock: ControlClock;
  readonly #counts: AnnouncedCounts;

  constructor(log: ControlLog, clock: ControlClock, counts: AnnouncedCounts) {
    this.#log = log;
    this.#clock = clock;
    this.#counts = counts;
  }

  /** Its state, if that is another than it was. */
  state(member: FleetServer): void {
    const state = member.stateName;
    if (state === member.announced) return;
    const before = member.announced;
    member.announced = state;
    member.sinceWallMs = this.#clock.wallMs();
    if (before !== undefined) this.#counts.stateChanges++;
    const { url, address, port } = member.server;
    const fields = { server_id: member.id, server: url, address, port, state, before, reason: member.reason };
    const message = `server ${url} (${address}) is ${state}: ${member.reason}`;
    if (state === "down" || state === "ejected") this.#log.warn(fields, message);
    else this.#log.info(fields, message);
  }

  /** That workers pass it over (`FailingServers`), although it is not ejected: too many others are. */
  silence(member: FleetServer, { enabled, consecutiveFailures }: OutlierOptions): void {
    const inARow = member.consecutiveUnanswered;
    const silent = enabled && consecutiveFailures > 0 && inARow >= consecutiveFailures;
    member.passedOver = silent && member.state === ServerState.UP;
    if (silent === member.silent) return;
    member.silent = silent;
    if (!member.passedOver) return;
    const { url, address, port } = member.server;
    this.#log.warn(
      { server_id: member.id, server: url, address, port, unanswered: inARow },
      `server ${url} (${address}) gave no answer to ${inARow} requests in a row: those that answer come first`,
    );
  }

  /** That panic routing has begun, or is over. */
  panic(panic: boolean, up: number, total: number): void {
    if (panic) {
      this.#counts.panics++;
      this.#log.warn(
        { up, total },
        `panic routing: only ${up} of ${total} servers are up, so all that answer take requests`,
      );
    } else {
      this.#log.info({ up, total }, `panic routing is over: ${up} of ${total} servers are up`);
    }
  }
}
