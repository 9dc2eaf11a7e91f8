/**
 * What was learned of the names behind one configured server: one family of addresses whose question fails keeps those
 * last known, and a name that many records mention is asked for no sooner than its time to live is over.
 */
import { isIP } from "node:net";
import type { Family, Resolver } from "./resolver.ts";

/** What a name stands for at the moment. */
export interface KnownName {
  readonly addresses: readonly string[];
  /** 0 = unknown. */
  readonly ttlSeconds: number;
  /** Families whose addresses are those of an earlier answer, because their question failed. */
  readonly kept: readonly Family[];
}

interface Remembered extends KnownName {
  /** Monotonic milliseconds. */
  readonly untilMs: number;
}

/** The memory of one configured server; see the head of the file. */
export class NameMemory {
  #names = new Map<string, Remembered>();

  /** Asks for a name. Rejects when nothing is known of it. See `Resolver.lookup`. */
  async lookup(host: string, complete: boolean, resolver: Resolver, nowMs: number): Promise<KnownName> {
    const answer = await resolver.lookup(host, complete);
    const before = this.#names.get(host)?.addresses ?? [];
    const { unknown = [] } = answer;
    const stale = before.filter(
      (address) => unknown.includes(isIP(address) as Family) && !answer.addresses.includes(address),
    );
    const addresses = [...answer.addresses, ...stale];
    if (addresses.length === 0) throw new Error(`${host} has no address`);
    const kept = unknown.filter((family) => stale.some((address) => isIP(address) === family));
    const { ttlSeconds } = answer;
    const known = { addresses, ttlSeconds, kept, untilMs: nowMs + ttlSeconds * 1000 };
    this.#names.set(host, known);
    return known;
  }

  /** As `lookup`, but the last response will do while its time to live lasts. */
  async recall(host: string, complete: boolean, resolver: Resolver, nowMs: number): Promise<KnownName> {
    const known = this.#names.get(host);
    if (known === undefined || nowMs >= known.untilMs) return this.lookup(host, complete, resolver, nowMs);
    return { ...known, ttlSeconds: (known.untilMs - nowMs) / 1000 };
  }

  /** Forgets all others. */
  keepOnly(hosts: readonly string[]): void {
    this.#names = new Map([...this.#names].filter(([host]) => hosts.includes(host)));
  }
}
