/**
 * Shares what is learned of one pool's servers with the other instances, once a second: tells them what was seen here, and hears what
 * they have seen. It is what a new instance begins with, and what servers that get few requests are known by; where much was seen here,
 * that counts. While there is no answer the learner goes by what it sees itself, and forgets the others' as it grows old.
 */
import { clusterKey } from "../../../cluster/exchange/keys.ts";
import type { RedisLink } from "../../../cluster/redis/link.ts";
import { RedisError } from "../../../cluster/redis/redis-error.ts";
import { LearnerCounter } from "../../../shared/memory/layout/learning.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { PoolMember } from "../../member.ts";
import { OthersKnowledge } from "./others.ts";
import { emptyKnowledge, isEvidence, markOf, Packer, saysSomething } from "./packed.ts";
import { KNOWLEDGE_SCRIPT, readTold } from "./script.ts";

/** From one round to the next, milliseconds. */
const ROUND_MS = 1000;

/** Of a pool, by slot of the server table: `FleetFeatures` and `PoolLimits` have these. */
export interface CurveKeeper {
  evidence(slot: number, nowMs: number, nats: Float64Array): number;
  hear(slot: number, nats: Float64Array | null, ratio: number): void;
}
/** The same for limits. */
export interface LimitKeeper {
  evidence(slot: number, nats: Float64Array): void;
  hear(slot: number, nats: Float64Array | null, sources: number): void;
}

/** What it works on. */
export interface PoolKnowledgeOptions {
  readonly pool: string;
  readonly link: Pick<RedisLink, "evalBytes">;
  /** CLUSTER_NAME. */
  readonly cluster: string;
  /** This instance: 16 hexadecimal digits. */
  readonly id: string;
  readonly curves: CurveKeeper;
  /** `null` = they are not learned here. */
  readonly limits: () => LimitKeeper | null;
  /** By slot: which server is there. */
  readonly idOf: (slot: number) => number;
  /** Url and address of a server, `undefined` = not known any more. */
  readonly nameOf: (id: number) => string | undefined;
  readonly counters: Float64Array;
  readonly log: Logger;
  /** Boot clock, milliseconds. */
  readonly nowMs: () => number;
}

export class PoolKnowledge implements PoolMember {
  readonly #options: PoolKnowledgeOptions;
  readonly #others = new OthersKnowledge();
  readonly #packer = new Packer();
  readonly #own = emptyKnowledge();
  /** By name of a server: its mark, of the servers of the last round. */
  #marks = new Map<string, string>();
  #nextMs = Number.NEGATIVE_INFINITY;
  /** Who was heard last: the next round goes on behind. */
  #after = "";
  #isAsking = false;
  #hasHeard = false;
  /** What stands in Redis is none of ours. */
  #isSpoilt = false;
  #closed = false;

  constructor(options: PoolKnowledgeOptions) {
    this.#options = options;
  }

  readonly tableBytes = 0;
  readonly isAsleep = true;

  replay(): void {}
  beginRound(): void {}
  observe(): void {}

  /** Nobody waits for the answer: what it says counts from the next table on. */
  async tick(slots: Int32Array | undefined): Promise<void> {
    const nowMs = this.#options.nowMs();
    if (this.#closed || this.#isAsking || slots === undefined || nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + ROUND_MS;
    this.#isAsking = true;
    void this.#round(slots.slice()).finally(() => {
      this.#isAsking = false;
    });
  }

  async learn(): Promise<void> {}

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** What others have told stays until the servers are known better here. */
  async leave(): Promise<void> {
    await this.close();
  }

  /** Never rejects. */
  async #round(slots: Int32Array): Promise<void> {
    const { link, cluster, pool, id, counters, nowMs } = this.#options;
    try {
      const told = this.#tell(slots);
      const key = clusterKey(cluster, `learned:${pool}`);
      const heard = readTold(await link.evalBytes(KNOWLEDGE_SCRIPT, [key], [id, told, this.#after]));
      counters[LearnerCounter.KNOWLEDGE_ROUNDS]++;
      for (const one of heard) this.#others.hear(one, nowMs());
      this.#after = heard.at(-1)?.id ?? "";
      this.#say(null);
    } catch (error) {
      counters[LearnerCounter.KNOWLEDGE_FAILURES]++;
      this.#say(error as Error);
    }
    if (this.#closed) return;
    this.#others.expire(nowMs());
    this.#apply(slots);
  }

  /** What was seen here, whatever others say. */
  #tell(slots: Int32Array): Uint8Array {
    const { curves, limits, nowMs } = this.#options;
    const own = this.#own;
    const limited = limits();
    this.#packer.begin(slots.length);
    for (const [slot, mark] of this.#marked(slots)) {
      own.ratio = curves.evidence(slot, nowMs(), own.curve);
      own.sizes.fill(0);
      limited?.evidence(slot, own.sizes);
      if (saysSomething(own)) this.#packer.add(mark, own);
    }
    return this.#packer.told;
  }

  #apply(slots: Int32Array): void {
    const { curves, limits } = this.#options;
    const limited = limits();
    for (const [slot, mark] of this.#marked(slots)) {
      const { instances, known } = this.#others.of(mark);
      curves.hear(slot, instances === 0 ? null : known.curve, known.ratio);
      if (limited === null) continue;
      limited.evidence(slot, this.#own.sizes);
      const sources = instances + (isEvidence(this.#own.sizes) ? 1 : 0);
      limited.hear(slot, instances === 0 ? null : known.sizes, sources);
    }
  }

  /** Those of the servers of which is known what instances call them. */
  #marked(slots: Int32Array): [slot: number, mark: string][] {
    const { pool, idOf, nameOf } = this.#options;
    const marks = new Map<string, string>();
    const found: [number, string][] = [];
    for (const slot of slots) {
      const name = nameOf(idOf(slot));
      if (name === undefined) continue;
      const mark = this.#marks.get(name) ?? markOf(pool, name);
      marks.set(name, mark);
      found.push([slot, mark]);
    }
    this.#marks = marks;
    return found;
  }

  /** Once when others are heard for the first time, and each time that what is there is none of ours. @param error `null` = they were heard. */
  #say(error: Error | null): void {
    const { log } = this.#options;
    const instances = this.#others.instances;
    const isOurs = error !== null && !isOfRedis(error);
    if (isOurs && !this.#isSpoilt) {
      const fields = { error: error.message };
      log.warn(fields, "what other instances learn of servers cannot be read: this one goes by what it learns itself");
    } else if (error === null && instances > 0 && (this.#isSpoilt || !this.#hasHeard)) {
      log.info({ instances }, "what other instances learn of servers is heard");
      this.#hasHeard = true;
    }
    if (isOurs) this.#isSpoilt = true;
    else if (error === null) this.#isSpoilt = false;
  }
}

/** Whether it is about Redis as a whole: the supervisor says that, once for all that is shared. */
function isOfRedis(error: Error): boolean {
  return error instanceof RedisError && error.kind !== "script";
}
