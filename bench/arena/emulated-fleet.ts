/**
 * The servers behind one contestant: the simulator's servers and disturbances, moved by a clock that is handed in. Queues
 * and service times are exact: a request begins when its worker became free, not when a timer got round to saying so; only
 * the response leaves late by what the timer was late.
 */
import type { DisturbanceSchedule } from "../../src/simulator/disturbance-schedule.ts";
import { RequestTable } from "../../src/simulator/request-table.ts";
import type { Effect, SimulatedServer } from "../../src/simulator/scenario.ts";
import { ServerFarm } from "../../src/simulator/server-farm.ts";
import type { Work } from "./work-path.ts";

/** What the fleet tells those who hold its sockets. `Caller` is whatever they gave with the request. */
export interface FleetEvents<Caller> {
  /** @param lateMs how long ago the response was due. */
  answer(caller: Caller, work: Work, served: boolean, lateMs: number): void;
  /** The server crashed: every connection to it is cut, and new ones are refused until `restart`. */
  crash(server: number): void;
  restart(server: number): void;
}

/** What came to each server and what became of it. */
export interface FleetCounts {
  readonly received: number[];
  readonly served: number[];
  /** Answered with an error at once. */
  readonly failed: number[];
  /** Never answered. */
  readonly hung: number[];
}

export class EmulatedFleet<Caller> {
  readonly counts: FleetCounts;
  readonly #requests = new RequestTable();
  readonly #farm: ServerFarm;
  readonly #schedule: DisturbanceSchedule;
  readonly #events: FleetEvents<Caller>;
  /** By the number of the request in the pool. */
  readonly #callers: { caller: Caller; work: Work }[] = [];

  constructor(servers: readonly SimulatedServer[], schedule: DisturbanceSchedule, events: FleetEvents<Caller>) {
    const none = (): number[] => servers.map(() => 0);
    this.counts = { received: none(), served: none(), failed: none(), hung: none() };
    this.#farm = new ServerFarm(servers, this.#requests);
    this.#schedule = schedule;
    this.#events = events;
  }

  /** When there is something to do next, `Infinity` = nothing. */
  get nextMs(): number {
    return Math.min(this.#farm.nextMs, this.#schedule.nextMs);
  }

  /** Does everything that is due by `nowMs`, in its order. */
  advance(nowMs: number): void {
    for (let atMs = this.nextMs; atMs <= nowMs; atMs = this.nextMs) {
      if (atMs === this.#farm.nextMs) this.#finish(nowMs - atMs);
      else this.#schedule.advance((effect, server, on) => this.#apply(effect, server, on, atMs));
    }
  }

  /** A request reaches a server. One that crashes at this moment takes none: its connections are cut. */
  request(server: number, work: Work, caller: Caller, nowMs: number): void {
    this.advance(nowMs);
    const farm = this.#farm;
    if (farm.isDown(server)) return;
    const { received, failed, hung } = this.counts;
    received[server]++;
    const errors = farm.errorShare(server);
    if (work.fate < errors) {
      failed[server]++;
      this.#events.answer(caller, work, false, 0);
      return;
    }
    if (work.fate < errors + farm.hangShare(server)) {
      hung[server]++;
      return;
    }
    const requests = this.#requests;
    const request = requests.take();
    requests.work[request] = work.workMs;
    requests.server[request] = server;
    this.#callers[request] = { caller, work };
    farm.accept(server, request, nowMs);
  }

  #finish(lateMs: number): void {
    const request = this.#farm.finish();
    const { caller, work } = this.#callers[request];
    this.counts.served[this.#requests.server[request]]++;
    this.#requests.give(request);
    this.#events.answer(caller, work, true, lateMs);
  }

  #apply(effect: Effect, server: number, on: boolean, atMs: number): void {
    const wasDown = this.#farm.isDown(server);
    this.#farm.apply(effect, server, on, atMs); // a surge is the clients' affair
    if (effect.kind === "freeze") {
      for (let each = 0; each < this.#farm.count; each++) this.#farm.pause(each, on ? 1 : -1, atMs);
    }
    if (effect.kind === "down" && this.#farm.isDown(server) !== wasDown) this.#turn(server, wasDown, atMs);
  }

  #turn(server: number, wasDown: boolean, atMs: number): void {
    if (wasDown) {
      this.#events.restart(server);
      return;
    }
    const farm = this.#farm;
    for (let request = farm.evict(server, atMs); request >= 0; request = farm.evict(server, atMs)) {
      this.#requests.give(request);
    }
    this.#events.crash(server);
  }
}
