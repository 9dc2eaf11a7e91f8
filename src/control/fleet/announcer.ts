/** Says in the log and to history what becomes of servers and of the fleet: each change once. */

import type { OutlierOptions } from "../../health/outlier-ejection.ts";
import { ServerState } from "../../shared/memory/layout/shared-memory.ts";
import { historyName } from "../../shared/server-name.ts";
import type { ControlClock } from "../clock.ts";
import { type Events, type NotedEvent, STORE } from "../events/events.ts";
import type { ControlLog } from "../log.ts";
import type { OverriddenName } from "./overrides.ts";
import type { FleetServer, UndoneNumber } from "./server.ts";

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
  readonly #events: Events;

  constructor(log: ControlLog, clock: ControlClock, counts: AnnouncedCounts, events: Events) {
    this.#log = log;
    this.#events = events;
    this.#clock = clock;
    this.#counts = counts;
  }

  /** Its state, if that is another than it was. */
  state(member: FleetServer): void {
    const state = member.stateName;
    if (state === member.announced) return;
    const before = member.announced;
    member.announced = state;
    member.record.enter(state, this.#clock.nowMs());
    member.sinceWallMs = this.#clock.wallMs();
    if (before !== undefined) this.#counts.stateChanges++;
    const { url, address, port } = member.server;
    const fields = { server_id: member.id, server: url, address, port, state, before, reason: member.reason };
    const message = `server ${url} (${address}) is ${state}: ${member.reason}`;
    if (before !== undefined) {
      const together = member.state === ServerState.EJECTED && member.ownVerdict === "up";
      const detail = { from: before, to: state, reason: member.reason, ...(together && { cause: "cluster" }) };
      this.#note(member, { kind: state === "ejected" ? "ejection" : "health", message, detail });
    }
    if (state === "down" || state === "ejected") this.#log.warn(fields, message + adviceOn(member));
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
    const message = `server ${url} (${address}) gave no answer to ${inARow} requests in a row: those that answer come first`;
    this.#log.warn({ server_id: member.id, server: url, address, port, unanswered: inARow }, message);
    this.#note(member, { kind: "health", message, detail: { passed_over: true, unanswered: inARow } });
  }

  /** That servers came and went. @param actor who made them. */
  membership(joined: readonly FleetServer[], left: readonly FleetServer[], actor: string): void {
    for (const member of joined) this.#came("server_added", member, "is there", actor);
    for (const member of left) this.#came("server_removed", member, "is there no more", actor);
  }

  /** That a number of the store's `servers` table is in force now, or no more. */
  override(member: FleetServer, name: OverriddenName): void {
    const { value, configured, origin } = member.numbers[name];
    const { url, address } = member.server;
    const what =
      origin === "store"
        ? `${value} is set in the store's table "servers" (configured: ${configured})`
        : `is not set in the store's table "servers" any more: it is ${value} again`;
    const message = `server ${url} (${address}): the ${name} ${what}`;
    this.#log.info({ server_id: member.id, server: url, [name]: value, configured, origin }, message);
    this.#note(member, { kind: "override", actor: STORE, message, detail: { [name]: value, configured, origin } });
  }

  /** That a number which an operator had set has lost to a changed configuration. */
  undone(member: FleetServer, { name, value, from, to }: UndoneNumber, actor: string): void {
    const { url, address } = member.server;
    const message = `server ${url} (${address}): the ${name} ${value}, set at the admin API, is undone: the configured one is another now (${from} → ${to})`;
    this.#log.warn({ server_id: member.id, server: url, [name]: value, from, to }, message);
    this.#note(member, { kind: "override", actor, message, detail: { undone: { [name]: value }, from, to } });
  }

  /** That panic routing has begun, or is over. */
  panic(panic: boolean, up: number, total: number): void {
    if (panic) {
      this.#counts.panics++;
      const message = `panic routing: ${up} of ${total} servers up, so all that answer take requests`;
      this.#log.warn({ up, total }, message);
      this.#events.note({ kind: "panic", message, detail: { on: true, up, total } });
    } else {
      const message = `panic routing is over: ${up} of ${total} servers up`;
      this.#log.info({ up, total }, message);
      this.#events.note({ kind: "panic", message, detail: { on: false, up, total } });
    }
  }

  #came(kind: "server_added" | "server_removed", member: FleetServer, what: string, actor: string): void {
    const { weight, capacity } = member.numbers;
    const { url, address } = member.server;
    const detail = { weight: weight.value, capacity: capacity.value };
    this.#note(member, { kind, actor, message: `server ${url} (${address}) ${what}`, detail });
  }

  #note({ server }: FleetServer, event: NotedEvent): void {
    this.#events.note({ ...event, ...historyName(server) });
  }
}

/** For the first hour with a server: it answers, and never to its checks, because it has no such path. */
function adviceOn({ stateName, record: { checks } }: FleetServer): string {
  if (stateName !== "down" || checks.success > 0 || !checks.failure.status) return "";
  return " (no check of it has passed yet: HEALTH_CHECK_PATH, in a file health.path, names another path)";
}
