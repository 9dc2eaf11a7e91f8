/**
 * How simulated instances with one Redis hear of each other's requests in flight: each has a round of its own every
 * `ROUND_MS`, at another moment than the others. In it, it says what it has, and hears what all others have said by then. What
 * is made of that (`PeerLoad`) is part of its numbers until the next round, and its own requests come and go on top of it.
 */
import { PeerLoad } from "../balancing/estimators/peer-load.ts";
import type { PeerRequests } from "../balancing/strategy.ts";
import { WORK_UNIT } from "../shared/memory/layout/classes.ts";
import { type Balancer, refresh } from "./balancer.ts";

/** From one round of an instance to the next, milliseconds: as often as the product has them. */
const ROUND_MS = 100;
/** With every round of an instance latencies count this much less beside those that come. */
const FORGET = 0.02;

/** One instance in the exchange. */
class Teller {
  /** By server: what it said last. */
  readonly said: Int32Array;
  readonly #balancer: Balancer;
  readonly #peers: PeerRequests;
  readonly #load: PeerLoad;
  /** By server: what it heard last, without its own. */
  readonly #heard: PeerRequests;
  #responses = 0;
  #latencySumMs = 0;

  constructor(balancer: Balancer, peers: PeerRequests, random: () => number) {
    const servers = balancer.inFlight.length;
    this.#balancer = balancer;
    this.#peers = peers;
    this.#load = new PeerLoad(servers, random);
    this.said = new Int32Array(servers);
    this.#heard = { inFlight: new Int32Array(servers), transferring: new Int32Array(servers) };
  }

  onResponse(latencyMs: number): void {
    this.#responses++;
    this.#latencySumMs += latencyMs;
  }

  /** @param total what all have said; brought up to date. */
  round(total: Int32Array, nowMs: number): void {
    const balancer = this.#balancer;
    const { inFlight, candidates, classes, control, id } = balancer;
    const peers = this.#peers.inFlight;
    for (let server = 0; server < total.length; server++) {
      const own = inFlight[server] - peers[server];
      total[server] += own - this.said[server];
      this.said[server] = own;
      this.#heard.inFlight[server] = total[server] - own;
    }
    refresh(balancer);
    const before = peers.slice();
    peers.fill(0);
    const { effectiveWeight } = control;
    const age = { ageMs: ROUND_MS, responseMs: this.#latencySumMs / this.#responses, nowMs };
    this.#load.settle(this.#heard, { slots: candidates, count: balancer.count, id, effectiveWeight }, age, this.#peers);
    for (let server = 0; server < total.length; server++) {
      const more = peers[server] - before[server];
      inFlight[server] += more;
      // Of what others' requests cost nothing is told.
      if (classes !== undefined) classes.work.inFlight[server] += more * WORK_UNIT;
    }
    this.#responses *= 1 - FORGET;
    this.#latencySumMs *= 1 - FORGET;
  }
}

/** The rounds of all instances. */
export class Exchange {
  /** When the next one is, milliseconds. */
  nextMs = 0;
  readonly #tellers: readonly Teller[];
  readonly #total: Int32Array;
  #next = 0;

  constructor(tellers: readonly Teller[]) {
    this.#tellers = tellers;
    this.#total = new Int32Array(tellers[0].said.length);
  }

  onResponse(balancer: number, latencyMs: number): void {
    this.#tellers[balancer].onResponse(latencyMs);
  }

  /** The round that is due. @param isFrozen whether an instance stands still: then it has none. */
  round(isFrozen: (instance: number) => boolean): void {
    if (!isFrozen(this.#next)) this.#tellers[this.#next].round(this.#total, this.nextMs);
    this.#next = (this.#next + 1) % this.#tellers.length;
    this.nextMs += ROUND_MS / this.#tellers.length;
  }
}

/** That of these balancers; `undefined` = they tell each other nothing. @param random makes chance for one of them. */
export function createExchange(balancers: readonly Balancer[], random: () => () => number): Exchange | undefined {
  const tellers = balancers.flatMap((balancer) =>
    balancer.peers === undefined ? [] : [new Teller(balancer, balancer.peers, random())],
  );
  return tellers.length < 2 ? undefined : new Exchange(tellers);
}
