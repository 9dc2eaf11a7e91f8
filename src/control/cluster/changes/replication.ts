/**
 * Changes of operators between instances, through Redis: what was changed here is told at once, what another has changed is taken
 * over within a moment, and nobody's change waits for it. While Redis is away each instance keeps its own and goes on; what both
 * sides have changed is merged when it is back. With a database, where all changes are, the others are only told to look there.
 */
import { clusterKey } from "../../../cluster/exchange/keys.ts";
import type { ClusterRider, ClusterRound } from "../../../cluster/exchange/round.ts";
import type { RedisLink } from "../../../cluster/redis/link.ts";
import type { AuditEntry } from "../../../shared/operations/audit.ts";
import { OWN_ACTOR } from "../../../shared/operations/audit.ts";
import type { Override } from "../../../shared/operations/override.ts";
import { withPatience } from "../../../shared/time/patience.ts";
import { MAX_ENTRIES, type ReplicaEntry } from "../../../storage/operations/replicated/replica.ts";
import type { ReplicatedOperationsStore } from "../../../storage/operations/replicated/store.ts";
import type { ControlLog } from "../../log.ts";
import type { Operations } from "../../operations/operations.ts";
import { comparableValue, describeTarget } from "../../operations/words.ts";
import { type ChangesAnswer, changeArguments, readAnswer, readChange } from "./codec.ts";
import { CHANGES_SCRIPT, UNSAY_SCRIPT } from "./script.ts";

/** Without a word of the exchange it is looked so often, and tried again so soon. */
const LOOK_MS = 2_000;
const RETRY_MS = 250;
/** Nobody who wants to know what others have changed waits for longer: an instance that starts has what it kept itself. */
const PATIENCE_MS = 800;
/** How often an instance says what is not in force with it. */
const SAY_MS = 5_000;
/** What was told is told again, once, after so long; of so many changes. */
const RETELL_MS = 30_000;
const MOST_RETOLD = 1_000;
/** Told in one go. */
const MOST_TOLD = 200;
const MOST_TOLD_BYTES = 512 * 1024;
const ANSWER_BYTES = 1024 * 1024;
/** All that Redis keeps. */
const MOST_BYTES = 4 * 1024 * 1024;
/** Trips until all is told and heard. */
const MOST_TRIPS = 64;
/** Keys of changes that are not in force here. */
const MOST_SAID = 500;
/** Changes that are none, told in the log one by one. */
const MOST_REFUSED = 100;
/** Clocks that differ by less are right. */
const SKEW_MS = 5_000;
/** So many failures in a row are no accident. */
const TROUBLE = 3;

/** What it is made from. */
export interface ReplicationOptions {
  readonly link: Pick<RedisLink, "eval">;
  /** CLUSTER_NAME. */
  readonly cluster: string;
  /** Of this run: 16 hexadecimal digits. */
  readonly id: string;
  readonly operations: () => Pick<Operations, "look" | "notInForce" | "endForAll">;
  /** `null` = changes are in a database. */
  readonly store: () => ReplicatedOperationsStore | null;
  readonly log: ControlLog;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}

/** How it goes, for people. */
export interface ReplicationFigures {
  /** Changes of others that were taken over. */
  taken: number;
  /** What was found in Redis and is no change. */
  refused: number;
  /** Changes that are still to be told. */
  untold: number;
}

/** One instance's. */
export class ChangeReplication implements ClusterRider {
  readonly #options: ReplicationOptions;
  readonly #keys: readonly string[];
  readonly #beganMs: number;
  readonly #refused = new Map<string, string>();
  #figures = { taken: 0, refused: 0 };
  /** Which whole is known, and up to which of its changes; `null` = none. */
  #epoch: string | null = null;
  #since = 0;
  /** While a whole is read for the first time: what stands there, by id the stamp. */
  #reading: Map<string, string> | null = null;
  readonly #retell: { readonly toldMs: number; readonly ids: readonly string[] }[] = [];
  #saidMs = Number.NEGATIVE_INFINITY;
  #failedMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #trouble: string | null = null;
  #isFull = false;
  #isSkewed = false;
  /** Something was changed in the database. */
  #bump = false;
  #isEldest = true;
  #isAlone = false;
  /** The trouble was said. */
  #said = false;
  #running: Promise<void> | null = null;
  #again = false;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    const { cluster } = options;
    this.#keys = ["changes", "changes:said", "changes:revision", "changes:order"].map((what) =>
      clusterKey(cluster, what),
    );
    this.#beganMs = Math.floor(options.wallMs());
  }

  /** Why changes are not shared although Redis may be there; `null` = they are. */
  get trouble(): string | null {
    return this.#trouble;
  }

  get figures(): ReplicationFigures {
    return { ...this.#figures, untold: this.#options.store()?.untold().length ?? 0 };
  }

  /** Of all instances the one that has been there for longest: what one is to do for all is its. The last that is known, while Redis is away. */
  get isEldest(): boolean {
    return this.#isEldest;
  }

  start(): void {
    if (this.#timer === null && this.#running === null) this.#wait();
  }

  /** The exchange has something to say. */
  heard({ revision }: ClusterRound): void {
    this.#isAlone = false;
    if (this.#epoch === null || revision.changes !== this.#since || this.#options.nowMs() - this.#saidMs > SAY_MS)
      this.#kick();
  }

  /** That Redis does not answer is said of the whole instance. */
  lost(): void {
    this.#isAlone = true;
  }

  /** Something was changed here. */
  tell(): void {
    this.#kick();
  }

  /** Something was changed in the database. */
  tellOfDatabase(): void {
    this.#bump = true;
    this.#kick();
  }

  /** Hears what others have changed by now, unless Redis is away. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#stopped || this.#options.nowMs() - this.#failedMs < RETRY_MS) return;
    await withPatience(this.#run(), PATIENCE_MS, () => {});
  }

  /** It does not count any more what this instance has said. Never rejects. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    if (this.#epoch === null || this.#failures > 0) return;
    await this.#options.link.eval(UNSAY_SCRIPT, [this.#keys[1]], [this.#options.id]).catch(() => {});
  }

  #kick(): void {
    if (this.#stopped || this.#options.nowMs() - this.#failedMs < RETRY_MS) return;
    if (this.#running === null) void this.#run();
    else this.#again = true;
  }

  #run(): Promise<void> {
    this.#running ??= this.#look().finally(() => {
      this.#running = null;
      if (this.#again) {
        this.#again = false;
        this.#kick();
      }
      this.#wait();
    });
    return this.#running;
  }

  #wait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#run(), this.#failures > 0 ? RETRY_MS : LOOK_MS);
  }

  async #look(): Promise<void> {
    try {
      for (let trip = 0; trip < MOST_TRIPS && (await this.#trip()); trip++);
      if (this.#said) this.#options.log.info({}, "changes are shared with the other instances again");
      this.#said = false;
      this.#failures = 0;
      this.#trouble = null;
    } catch (error) {
      const { message } = error as Error;
      this.#failures++;
      this.#failedMs = this.#options.nowMs();
      if (this.#failures >= TROUBLE && !this.#said && !this.#isAlone) {
        this.#said = true;
        const says = "changes are not shared with the other instances: each keeps its own until that works again";
        this.#options.log.warn({ error: message }, `${says}: ${message}`);
      }
      if (this.#failures >= TROUBLE) this.#trouble = message;
    }
  }

  /** @returns whether there is more to tell or to hear. */
  async #trip(): Promise<boolean> {
    const { link, store, operations } = this.#options;
    const kept = store();
    const isBumped = this.#bump;
    // What others know is to be known first.
    const telling = this.#epoch === null || this.#reading !== null || kept === null ? [] : this.#telling(kept);
    const asked = this.#arguments(isBumped, telling);
    this.#bump = false; // what is changed from now on is told anew
    const answer = await link
      .eval(CHANGES_SCRIPT, this.#keys, asked)
      .then(readAnswer)
      .catch((error: Error) => {
        this.#bump ||= isBumped;
        throw error;
      });
    const isNew = answer.epoch !== this.#epoch || answer.before !== this.#since;
    this.#isEldest = answer.isEldest;
    this.#lookAtClock(answer.nowMs);
    if (kept === null) {
      this.#epoch = answer.epoch;
      this.#since = answer.revision;
      if (isNew) void operations().look();
      return false;
    }
    this.#epoch = answer.epoch;
    if (answer.isWhole) this.#reading = new Map();
    const isFull = answer.full > 0;
    if (!isFull) this.#told(kept, telling);
    this.#sayFull(isFull);
    await this.#take(kept, answer);
    this.#since = answer.upTo;
    const isAll = answer.upTo === answer.revision;
    if (isAll && this.#reading !== null) {
      kept.tellBeyond(this.#reading);
      this.#reading = null;
    }
    const nowhere = answer.nowhere.filter((key) => kept.sharedKey(key.split(":")[0]) === key);
    if (nowhere.length > 0) void operations().endForAll(new Set(nowhere.map((key) => key.split(":")[0])));
    return !isAll || (!isFull && kept.untold().length > 0);
  }

  #telling(kept: ReplicatedOperationsStore): readonly ReplicaEntry[] {
    const { nowMs } = this.#options;
    const again: string[] = [];
    while (this.#retell.length > 0 && nowMs() - this.#retell[0].toldMs >= RETELL_MS)
      again.push(...this.#retell.shift()!.ids);
    if (again.length > 0) kept.tellAgain(again);
    return portion(kept.untold());
  }

  /** A failover may lose what Redis was told last: that is told once more. */
  #told(kept: ReplicatedOperationsStore, entries: readonly ReplicaEntry[]): void {
    const first = kept.told(entries);
    if (first.length === 0) return;
    this.#retell.push({ toldMs: this.#options.nowMs(), ids: first });
    if (this.#retell.length > MOST_RETOLD) this.#retell.shift();
  }

  #arguments(isBumped: boolean, telling: readonly ReplicaEntry[]): readonly string[] {
    const { id, store, operations, nowMs, wallMs } = this.#options;
    const kept = store();
    const said = operations()
      .notInForce()
      .slice(0, MOST_SAID)
      .flatMap(({ id: of, isLost }) => {
        const key = kept?.sharedKey(of) ?? null;
        return key === null ? [] : [`${isLost ? "r" : "n"}:${key}`];
      });
    this.#saidMs = nowMs();
    return [
      this.#epoch ?? "",
      `${this.#since}`,
      `${id}-${Math.floor(wallMs())}`,
      // Who knew how often another whole was changed sees that it is another.
      `${Math.floor(wallMs())}`,
      isBumped ? "1" : "0",
      id,
      `${this.#beganMs}`,
      said.join(" "),
      `${MAX_ENTRIES}`,
      `${MOST_BYTES}`,
      `${ANSWER_BYTES}`,
      ...telling.flatMap(changeArguments),
    ];
  }

  /** What stands in the answer is taken over, as far as it is any good. */
  async #take(kept: ReplicatedOperationsStore, { values }: ChangesAnswer): Promise<void> {
    const entries: ReplicaEntry[] = [];
    for (const [id, value] of values) {
      try {
        const entry = readChange(id, value);
        entries.push(entry);
        this.#reading?.set(id, entry.stamp);
      } catch (error) {
        this.#refuse(id, value, (error as Error).message);
      }
    }
    const felt = await kept.merge(entries, (entry, before) => this.#audited(entry, before));
    this.#figures.taken += felt.length;
    if (felt.length > 0) void this.#options.operations().look();
  }

  #refuse(id: string, value: string, why: string): void {
    if (this.#refused.get(id) === value) return;
    this.#figures.refused++;
    if (this.#refused.size >= MOST_REFUSED) this.#refused.clear();
    this.#refused.set(id, value);
    const what = `the change ${JSON.stringify(id.slice(0, 40))} in Redis is not applied: ${why.slice(0, 200)}`;
    this.#options.log.warn({}, `${what}; what counts here stays`);
  }

  #audited(entry: ReplicaEntry, before: Override | null): AuditEntry {
    const { note, override } = entry;
    if (note !== null) return { ...note.done, instance: note.instance };
    const of = override ?? before;
    return {
      atMs: override?.atMs ?? Math.floor(this.#options.wallMs()),
      actor: override?.by ?? OWN_ACTOR,
      client: override?.client ?? "",
      action: override === null ? "override.end" : "override.set",
      target: of === null ? `override ${entry.id}` : describeTarget(of),
      before: before === null ? (override?.configured ?? null) : comparableValue(before),
      after: override === null ? (before?.configured ?? null) : comparableValue(override),
      reason: override?.reason ?? "",
      kept: true,
      instance: "another",
    };
  }

  #sayFull(isFull: boolean): void {
    if (isFull && !this.#isFull) {
      this.#options.log.error(
        {},
        "Redis has no room for changes of this instance: others do not hear of them; end what is no longer needed",
      );
    }
    this.#isFull = isFull;
  }

  /** Whose clock is wrong ends what has an end too early or too late. */
  #lookAtClock(redisMs: number): void {
    const skewMs = this.#options.wallMs() - redisMs;
    const isSkewed = Math.abs(skewMs) > SKEW_MS;
    if (isSkewed && !this.#isSkewed) {
      const seconds = Math.round(Math.abs(skewMs) / 1000);
      const says = `the clock here is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} the one of Redis`;
      this.#options.log.warn(
        { skew_seconds: Math.round(skewMs / 1000) },
        `${says}: changes with an end begin and end by the clock here`,
      );
    }
    this.#isSkewed = isSkewed;
  }
}

function portion(untold: readonly ReplicaEntry[]): readonly ReplicaEntry[] {
  let bytes = 0;
  const some = untold.slice(0, MOST_TOLD);
  const end = some.findIndex((entry, index) => {
    bytes += JSON.stringify(entry.override).length;
    return index > 0 && bytes > MOST_TOLD_BYTES;
  });
  return end === -1 ? some : some.slice(0, end);
}
