/**
 * This instance among the others: ten times a second it tells Redis its numbers and hears those of the others, in one round trip for
 * which no request waits. Without an answer for a second it goes on alone, says so once, and tries until there is one.
 */

import { Exchange, type OwnServers } from "../../cluster/exchange/exchange.ts";
import { emptyFigures } from "../../cluster/exchange/figures.ts";
import type { ClusterMember, ClusterRider, MemberDescription, PeerNumbers } from "../../cluster/exchange/round.ts";
import type { RedisLink } from "../../cluster/redis/link.ts";
import type { ClusterShare } from "../../config/values/cluster.ts";
import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import type { ControlLog } from "../log.ts";
import { CountedLink, type ExchangedBytes } from "./counted-link.ts";

/** Between two rounds, and between two tries while it is alone. */
const ROUND_MS = 100;
const RETRY_MS = 250;
/** Without an answer for so long it is alone: two of the link's times to wait have a place in a second. */
const ALONE_MS = 900;

/** Of an instance that only says that it is there. */
const NO_SERVERS: OwnServers = { slotOf: new Map(), figures: emptyFigures(MAX_SERVERS) };

/** What it is made from. */
export interface ClusterOptions {
  /** `null` = there is no Redis: nothing is shared, and nothing runs. */
  readonly link: Pick<RedisLink, "eval"> | null;
  /** CLUSTER_NAME. */
  readonly cluster: string;
  /** CLUSTER_SHARE. */
  readonly shares: readonly ClusterShare[];
  /** Of this run: 16 hexadecimal digits. */
  readonly id: string;
  /** The boot clock, milliseconds. */
  readonly bootMs: () => number;
  /** What it says of itself, without figures. */
  readonly describe: () => Omit<MemberDescription, "figures">;
  readonly log: ControlLog;
}

/** How the exchange goes, for people. */
export interface ExchangeFigures {
  rounds: number;
  failures: number;
  /** How long the last good round took, milliseconds; NaN = there was none. */
  lastMs: number;
  /** Shares of others that were not what an instance of ours writes. */
  refused: number;
}

const NO_BYTES: ExchangedBytes = Object.freeze({ sent: 0, received: 0 });

/** One instance's. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #riders: ClusterRider[] = [];
  /** Riders that have thrown: said once of each. */
  readonly #fallen = new Set<ClusterRider>();
  readonly #counted: CountedLink | null;
  readonly #exchange: Exchange | null;
  #ownFigures: () => MemberDescription["figures"] = () => ({});
  #ownServers: () => OwnServers = () => NO_SERVERS;
  readonly #figures: ExchangeFigures = { rounds: 0, failures: 0, lastMs: Number.NaN, refused: 0 };
  #members: readonly ClusterMember[] = [];
  #instances = 1;
  /** When Redis answered last, and of when the others' numbers are. */
  #heardMs = Number.NEGATIVE_INFINITY;
  #numbersMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  /** Why there is no answer; told to the riders. */
  #away: string | null = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { link, cluster, id, bootMs: nowMs } = options;
    const counted = link === null ? null : new CountedLink(link);
    this.#counted = counted;
    this.#exchange = counted === null ? null : new Exchange({ link: counted, cluster, id, slots: MAX_SERVERS, nowMs });
  }

  /** Whether there is a Redis through which it could share. */
  get configured(): boolean {
    return this.#options.link !== null;
  }

  get id(): string {
    return this.#options.id;
  }

  /** CLUSTER_NAME. */
  get cluster(): string {
    return this.#options.cluster;
  }

  /** CLUSTER_SHARE; nothing without a Redis. */
  get shares(): readonly ClusterShare[] {
    return this.configured ? this.#options.shares : [];
  }

  /** Why it is alone although there should be a Redis; `null` = it is not, or there should be none. */
  get away(): string | null {
    return this.#away;
  }

  /** Everybody who is there, this one included; none while it is alone. */
  get members(): readonly ClusterMember[] {
    return this.#members;
  }

  /** How many instances there are, this one included; while it is alone as many as there were. */
  get instances(): number {
    return this.#instances;
  }

  get figures(): Readonly<ExchangeFigures> {
    return this.#figures;
  }

  /** What the exchange has sent and got since the start. */
  get bytes(): ExchangedBytes {
    return this.#counted?.bytes ?? NO_BYTES;
  }

  /** How old the others' numbers are, milliseconds; infinite before the first. */
  get ageMs(): number {
    return this.#options.bootMs() - this.#numbersMs;
  }

  /** What it says of itself has these figures from now on. @param figures asked for at each round. */
  describeBy(figures: () => MemberDescription["figures"]): void {
    this.#ownFigures = figures;
  }

  /** The others are told of these servers from now on. @param servers asked for at each round. */
  tellOf(servers: () => OwnServers): void {
    this.#ownServers = servers;
  }

  /** Rides on every round from now on. */
  ride(rider: ClusterRider): void {
    this.#riders.push(rider);
  }

  start(): void {
    if (this.#exchange === null || this.#stopped) return;
    this.#heardMs = this.#options.bootMs(); // nobody is away before a second has passed
    this.#next(0);
  }

  /** Takes itself out, so that nobody has to wait until it is silent for long enough. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    if (this.#exchange === null || this.#away !== null || this.#figures.rounds === 0) return;
    await this.#exchange.leave().catch(() => {}); // then it is silent, and gone in two seconds
  }

  #next(inMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#round();
    }, inMs);
  }

  async #round(): Promise<void> {
    const { bootMs, describe } = this.#options;
    const beganMs = bootMs();
    let waitMs = this.#away === null ? ROUND_MS : RETRY_MS;
    try {
      const { others, ageMs, instances, members, changes } = await this.#exchange!.round(this.#ownServers(), () => ({
        ...describe(),
        figures: this.#ownFigures(),
      }));
      const nowMs = bootMs();
      this.#heardMs = nowMs;
      this.#members = members;
      this.#instances = instances;
      this.#figures.rounds++;
      this.#figures.lastMs = nowMs - beganMs;
      this.#figures.refused = this.#exchange!.refused;
      this.#numbersMs = nowMs - (ageMs || 0);
      this.#isThere();
      const numbers: PeerNumbers = { ...others, heardMs: this.#numbersMs, instances };
      this.#tell((rider) => rider.heard({ numbers, members, revision: { changes } }));
      waitMs = Math.max(0, ROUND_MS - this.#figures.lastMs);
    } catch (error) {
      this.#figures.failures++;
      if (bootMs() - this.#heardMs >= ALONE_MS) this.#isAway((error as Error).message);
    }
    this.#next(waitMs);
  }

  /** What is wrong with one rider is no matter of Redis, nor of the others. */
  #tell(say: (rider: ClusterRider) => void): void {
    for (const rider of this.#riders) {
      try {
        say(rider);
      } catch (error) {
        if (this.#fallen.has(rider)) continue;
        this.#fallen.add(rider);
        this.#options.log.error({ err: error }, "what other instances told could not be taken in: this is a bug");
      }
    }
  }

  #isThere(): void {
    if (this.#away !== null) {
      this.#options.log.info({ instances: this.instances }, "Redis answers again: this instance is one of several");
    }
    this.#away = null;
  }

  #isAway(why: string): void {
    if (this.#away === null) {
      const fields = { error: why, instances: this.instances };
      this.#options.log.warn(fields, "Redis does not answer: this instance goes on alone");
      this.#members = [];
      this.#exchange!.forget();
      this.#tell((rider) => rider.lost(why));
    }
    this.#away = why;
  }
}
