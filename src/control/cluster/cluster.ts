/**
 * This instance among the others: ten times a second it tells Redis its numbers and hears those of the others, in one round trip for
 * which no request waits. Without an answer for a second it goes on alone, says so once, and tries until there is one.
 */

import { clusterKey } from "../../cluster/exchange/keys.ts";
import { LEAVE_SCRIPT, MEMBERS_SCRIPT, readMembers, writeDescription } from "../../cluster/exchange/members.ts";
import type {
  ClusterMember,
  ClusterRider,
  ClusterRound,
  MemberDescription,
  PeerNumbers,
} from "../../cluster/exchange/round.ts";
import type { RedisLink } from "../../cluster/redis/link.ts";
import type { ClusterShare } from "../../config/values/cluster.ts";
import { MAX_SERVERS } from "../../shared/memory/layout/shared-memory.ts";
import type { ControlLog } from "../log.ts";

/** Between two rounds, and between two tries while there is no answer. */
const ROUND_MS = 100;
const RETRY_MS = 250;
/** Without an answer for so long it is alone. */
const ALONE_MS = 1_000;

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
}

/** One instance's. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #riders: ClusterRider[] = [];
  #ownFigures: () => MemberDescription["figures"] = () => ({});
  readonly #numbers = emptyNumbers();
  readonly #figures: ExchangeFigures = { rounds: 0, failures: 0, lastMs: Number.NaN };
  #members: readonly ClusterMember[] = [];
  #gone: readonly (readonly [string, string])[] = [];
  #heardMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  /** Why there is no answer; told to the riders. */
  #away: string | null = null;

  constructor(options: ClusterOptions) {
    this.#options = options;
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
    return Math.max(1, this.#numbers.instances);
  }

  get figures(): Readonly<ExchangeFigures> {
    return this.#figures;
  }

  /** How old the others' numbers are, milliseconds; infinite before the first. */
  get ageMs(): number {
    return this.#options.bootMs() - this.#heardMs;
  }

  /** What it says of itself has these figures from now on. @param figures asked for at each round. */
  describeBy(figures: () => MemberDescription["figures"]): void {
    this.#ownFigures = figures;
  }

  /** Rides on every round from now on. */
  ride(rider: ClusterRider): void {
    this.#riders.push(rider);
  }

  start(): void {
    if (this.#options.link === null || this.#stopped) return;
    this.#heardMs = this.#options.bootMs(); // nobody is away before a second has passed
    this.#next(0);
  }

  /** Takes itself out, so that nobody has to wait until it is silent for long enough. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    const { link, cluster, id } = this.#options;
    if (link === null || this.#away !== null || this.#figures.rounds === 0) return;
    await link.eval(LEAVE_SCRIPT, [clusterKey(cluster, "members")], [id]).catch(() => {});
  }

  #next(inMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#round();
    }, inMs);
  }

  async #round(): Promise<void> {
    const { bootMs } = this.#options;
    const beganMs = bootMs();
    let waitMs = RETRY_MS;
    try {
      const round = await this.#exchange();
      this.#heardMs = bootMs();
      this.#figures.rounds++;
      this.#figures.lastMs = this.#heardMs - beganMs;
      this.#isThere();
      for (const rider of this.#riders) rider.heard(round);
      waitMs = Math.max(0, ROUND_MS - this.#figures.lastMs);
    } catch (error) {
      this.#figures.failures++;
      if (bootMs() - this.#heardMs >= ALONE_MS - RETRY_MS) this.#isAway((error as Error).message);
    }
    this.#next(waitMs);
  }

  async #exchange(): Promise<ClusterRound> {
    const { link, cluster, id, describe, bootMs } = this.#options;
    const keys = [clusterKey(cluster, "members"), clusterKey(cluster, "changes:revision")];
    const args = [id, writeDescription({ ...describe(), figures: this.#ownFigures() }), ...this.#gone.flat()];
    const { members, gone, changes } = readMembers(await link!.eval(MEMBERS_SCRIPT, keys, args), id);
    this.#members = members;
    this.#gone = gone;
    this.#numbers.heardMs = bootMs();
    this.#numbers.instances = members.length;
    return { numbers: this.#numbers, members, revision: { changes } };
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
      for (const rider of this.#riders) rider.lost(why);
    }
    this.#away = why;
  }
}

function emptyNumbers() {
  const column = () => new Int32Array(MAX_SERVERS);
  return {
    heardMs: Number.NEGATIVE_INFINITY,
    instances: 0,
    known: column(),
    down: column(),
    ejected: column(),
    inFlight: column(),
    workInFlight: column(),
    transferring: column(),
  } satisfies PeerNumbers;
}
