/** Who has which slots of a Redis Cluster: any of its servers knows (`CLUSTER SLOTS`). */
import type { RedisAccess } from "../connection.ts";
import { SLOTS } from "../key-slot.ts";
import { RedisError } from "../redis-error.ts";
import { askAll } from "./ask-all.ts";
import type { Directory } from "./directory.ts";
import { nodeAddress } from "./node-address.ts";

/** So many servers are asked at once, those of the configuration first. */
const MOST_ASKED = 12;
/** More pieces than that no cluster is in. */
const MOST_RANGES = SLOTS;

/** Slots that lie together, and their master. */
interface SlotRange {
  readonly first: number;
  readonly last: number;
  readonly addr: string;
}

/** Of one link. */
export class ClusterDirectory implements Directory {
  readonly #seeds: readonly string[];
  readonly #access: RedisAccess;
  #known: Promise<readonly SlotRange[]> | null = null;
  /** Masters that were known last: they may be there when none of the seeds is. */
  #masters: readonly string[] = [];

  constructor(seeds: readonly string[], access: RedisAccess) {
    this.#seeds = seeds;
    this.#access = access;
  }

  async find(slot: number): Promise<string> {
    this.#known ??= this.#ask();
    const ranges = await this.#known;
    const range = ranges.find(({ first, last }) => slot >= first && slot <= last);
    if (range !== undefined) return range.addr;
    this.forget();
    throw new RedisError("other", `the Redis Cluster has no server for slot ${slot}`);
  }

  forget(): void {
    this.#known = null;
  }

  /** Who is asked for a slot that it does not have says so. */
  async check(): Promise<void> {}

  async #ask(): Promise<readonly SlotRange[]> {
    const addrs = [...new Set([...this.#seeds, ...this.#masters])].slice(0, MOST_ASKED);
    try {
      const ranges = await askAll(addrs, this.#access, ["CLUSTER", "SLOTS"], readRanges);
      this.#masters = [...new Set(ranges.map(({ addr }) => addr))].slice(0, MOST_ASKED);
      return ranges;
    } catch (error) {
      this.#known = null;
      throw error;
    }
  }
}

/** Throws. @param asked who answered: an empty host means that one. */
export function readRanges(answer: unknown, asked: string): readonly SlotRange[] {
  const entries = Array.isArray(answer) && answer.length <= MOST_RANGES ? answer : [];
  const host = asked.slice(0, asked.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  const ranges = entries.map((entry) => {
    const [first, last, master] = Array.isArray(entry) ? entry : [];
    const [name, port] = Array.isArray(master) ? master : [];
    const addr = nodeAddress(name === null || name === "" || name === "?" ? host : name, port);
    const isRange = Number.isInteger(first) && Number.isInteger(last) && first >= 0 && last < SLOTS && first <= last;
    if (addr === null || !isRange) throw new RedisError("other", `${asked}: an answer about slots that means nothing`);
    return { first, last, addr };
  });
  if (ranges.length === 0) throw new RedisError("other", `the Redis Cluster that ${asked} knows has no slots yet`);
  return ranges;
}
