/**
 * One instance's part of the exchange: writes its share, reads those of the others or their sum, and knows then what the others have
 * in flight and say of each of its servers. A share is whole each time, so that whatever Redis forgets, loses in a failover or hears
 * too late is right again after one round.
 */
import { addRow, clearFigures, emptyFigures, type Figures } from "./figures.ts";
import { clusterKey } from "./keys.ts";
import { KnownLayouts } from "./known-layouts.ts";
import { type Layout, layoutOf, writeLayout } from "./layout.ts";
import { readMembers, SILENT_MS, writeDescription } from "./members.ts";
import { OwnShares } from "./own-shares.ts";
import { NotOursError, notOurs, readDigits, readSaid, type Said } from "./replies.ts";
import type { ClusterMember, MemberDescription } from "./round.ts";
import { LAYOUTS_SCRIPT, LEAVE_KEYS, LEAVE_SCRIPT, ROUND_KEYS, ROUND_SCRIPT, SUM_KEYS, SUM_SCRIPT } from "./scripts.ts";
import { readTold, type ShareName, type Told, writeTold } from "./share.ts";

/** How often an instance says who it is. */
const DESCRIBE_MS = 1_000;

/** What the exchange asks of a link to Redis. */
export interface ScriptCaller {
  eval(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
}

/** Servers of this instance as they are now. */
export interface OwnServers {
  /** Slots by hash; another map when servers have come or gone. */
  readonly slotOf: ReadonlyMap<string, number>;
  /** By slot. */
  readonly figures: Figures;
}

/** What came of a round. */
export interface ExchangeRound {
  /** Of the others, by slot; the same object each time. */
  readonly others: Figures;
  /** How old these are, milliseconds, as far as the clock of Redis can tell; NaN = there are none. */
  readonly ageMs: number;
  /** With fresh numbers, this one included. */
  readonly instances: number;
  readonly members: readonly ClusterMember[];
  /** How often what is shared was changed by operators. */
  readonly changes: number;
}

/** What the exchange is made from. */
export interface ExchangeOptions {
  readonly link: ScriptCaller;
  readonly cluster: string;
  /** Which instance this is: 16 hexadecimal digits. */
  readonly id: string;
  /** How many slots there are. */
  readonly slots: number;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}

/** A share that counts. */
interface FreshShare {
  readonly name: ShareName;
  readonly told: Told;
  readonly layout: Layout;
}

/** One instance's. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #layouts = new KnownLayouts();
  readonly #own: OwnShares;
  readonly #others: Figures;
  #slotOf: ReadonlyMap<string, number> | null = null;
  #layout: Layout = layoutOf([]);
  #slots = new Int32Array(0);
  #isKept = false;
  #describedMs = Number.NEGATIVE_INFINITY;
  #members: readonly ClusterMember[] = [];
  /** When each instance told its numbers last, by the clock of Redis; `null` = only their sum was read. */
  #heard: ReadonlyMap<string, number> | null = null;
  #gone: Said[] = [];
  #instances = 1;
  /** Of the sum that the numbers are from: which turn, and when shares were read for it by the clock of Redis. */
  #sum = { turn: "", atMs: Number.NaN };
  /** Shares that were not what an instance of ours writes. */
  refused = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#own = new OwnShares(options.slots);
    this.#others = emptyFigures(options.slots);
  }

  /** Rejects when there is no answer, or one that is none of ours. */
  async round(servers: OwnServers, describe: () => MemberDescription): Promise<ExchangeRound> {
    const { id, nowMs } = this.#options;
    this.#take(servers.slotOf);
    const turn = this.#own.keep(servers.figures);
    const share = writeTold(this.#layout, [{ id, turn }], servers.figures, (place) => this.#slots[place]);
    const describes = nowMs() - this.#describedMs >= DESCRIBE_MS;
    const answer = await this.#call(ROUND_SCRIPT, ROUND_KEYS, [
      id,
      share,
      this.#layout.id,
      this.#isKept ? "" : writeLayout(this.#layout.hashes),
      describes ? writeDescription(describe()) : "",
      this.#sum.turn,
      ...this.#gone.flatMap((one) => [one.id, one.clock]),
    ]);
    if (!Array.isArray(answer) || answer.length !== 7) throw notOurs();
    const [clock, revision, isKept, described, kind, payload, list] = answer as readonly unknown[];
    const redisMs = readDigits(clock);
    const changes = Number(revision);
    if (!Number.isSafeInteger(changes)) throw notOurs();
    this.#isKept = isKept === 1;
    this.#heard = null;
    if (kind === "sum") await this.#takeSum(payload, redisMs);
    else if (kind === "shares" || kind === "add")
      await this.#addUp(readSaid(list), redisMs, kind === "add" ? payload : null);
    else throw notOurs();
    if (describes) {
      this.#describedMs = nowMs();
      this.#members = readMembers(readSaid(described), redisMs, id, this.#heard);
    }
    const ageMs = Math.max(0, redisMs - this.#sum.atMs); // NaN = there are none
    return { others: this.#others, ageMs, instances: this.#instances, members: this.#members, changes };
  }

  /** Nothing of the others is believed any more. */
  forget(): void {
    clearFigures(this.#others);
    this.#sum = { turn: "", atMs: Number.NaN };
    this.#describedMs = Number.NEGATIVE_INFINITY;
  }

  /** Takes this instance out. Rejects as `round` does. */
  async leave(): Promise<void> {
    await this.#call(LEAVE_SCRIPT, LEAVE_KEYS, [this.#options.id]);
  }

  async #call(script: string, names: readonly string[], args: readonly string[]): Promise<unknown> {
    const { link, cluster } = this.#options;
    const keys = names.map((name) => clusterKey(cluster, name));
    return link.eval(script, keys, args);
  }

  /** Servers that have come or gone make another layout. */
  #take(slotOf: ReadonlyMap<string, number>): void {
    if (slotOf === this.#slotOf) return;
    this.#slotOf = slotOf;
    this.#layout = layoutOf(slotOf.keys());
    this.#layouts.own(slotOf);
    this.#layouts.add(this.#layout);
    this.#slots = this.#layouts.slots(this.#layout.id).slice();
    this.#isKept = false;
    this.#own.forget(); // what was in a slot may be another server
    this.forget();
  }

  /** @param turn of the sum that is wanted for all; `null` = nobody waits for one. */
  async #addUp(said: readonly Said[], redisMs: number, turn: unknown): Promise<void> {
    this.#gone = said.filter(({ atMs }) => !(Math.abs(redisMs - atMs) <= SILENT_MS));
    this.#heard = new Map(said.map(({ id, atMs }) => [id, atMs]));
    const told = said.filter((one) => !this.#gone.includes(one)).flatMap((one) => this.#readShare(one) ?? []);
    await this.#learn(told.map(({ layout }) => layout));
    const fresh = told.flatMap((one) => {
      const layout = this.#layouts.get(one.layout);
      if (layout === undefined) return []; // its instance puts it there again
      if (layout.hashes.length === one.rows) return { name: one.shares[0], told: one, layout };
      this.refused++;
      return [];
    });
    clearFigures(this.#others);
    for (const { name, told } of fresh) if (name.id !== this.#options.id) this.#addOthers(told);
    this.#instances = fresh.length;
    this.#sum = { turn: "", atMs: redisMs };
    if (turn === null) return;
    readDigits(turn);
    this.#sum.turn = turn as string;
    await this.#publish(turn as string, redisMs, fresh);
  }

  /** Asks for layouts that are not known: once for each, as a rule. */
  async #learn(ids: readonly string[]): Promise<void> {
    const unknown = this.#layouts.unknown(ids);
    if (unknown.length === 0) return;
    const texts = await this.#call(LAYOUTS_SCRIPT, ["layouts"], unknown);
    if (!Array.isArray(texts)) throw notOurs();
    this.#layouts.found(unknown, texts);
  }

  /** `null` = none of ours. */
  #readShare({ id, text }: Said): Told | null {
    try {
      const told = readTold(text);
      if (told.shares.length === 1 && told.shares[0].id === id) return told;
    } catch {
      // counted with those of a wrong name
    }
    this.refused++;
    return null;
  }

  async #publish(turn: string, redisMs: number, fresh: readonly FreshShare[]): Promise<void> {
    const layout = layoutOf(fresh.flatMap((share) => share.layout.hashes));
    const placeOf = new Map(layout.hashes.map((hash, place) => [hash, place]));
    const sum = emptyFigures(layout.hashes.length);
    for (const { told, layout: its } of fresh) {
      for (let row = 0; row < told.rows; row++) {
        const place = placeOf.get(its.hashes[row]);
        if (place !== undefined) addRow(sum, place, told.figures, row, 1);
      }
    }
    const names = fresh.map(({ name }) => name);
    const text = writeTold(layout, names, sum, (place) => place);
    const clock = String(redisMs).padStart(14, "0");
    await this.#call(SUM_SCRIPT, SUM_KEYS, [turn, clock, text, layout.id, writeLayout(layout.hashes)]);
  }

  /** @param text empty = it is the one that is known, or there is none. */
  async #takeSum(text: unknown, redisMs: number): Promise<void> {
    if (typeof text !== "string") throw notOurs();
    try {
      if (text !== "") await this.#readSum(text, redisMs);
    } catch (error) {
      if (!(error instanceof NotOursError)) throw error;
      this.refused++; // the next one who adds up puts another in its place
    }
    if (Math.abs(redisMs - this.#sum.atMs) <= SILENT_MS) return;
    clearFigures(this.#others);
    this.#instances = 1;
    this.#sum = { turn: "", atMs: Number.NaN };
  }

  async #readSum(text: string, redisMs: number): Promise<void> {
    const turn = text.slice(0, 14);
    const atMs = readDigits(text, 14);
    if (Math.abs(redisMs - atMs) > SILENT_MS) return;
    const told = readTold(text, 28);
    await this.#learn([told.layout]);
    const layout = this.#layouts.get(told.layout);
    if (layout === undefined) return;
    if (layout.hashes.length !== told.rows) throw notOurs();
    const own = told.shares.find(({ id }) => id === this.#options.id);
    const share = own === undefined ? null : this.#own.at(own.turn);
    if (share === undefined) return; // of a time that is not remembered: the next one will do
    clearFigures(this.#others);
    this.#addOthers(told);
    if (share !== null) for (const slot of this.#slots) addRow(this.#others, slot, share, slot, -1);
    this.#instances = told.shares.length + (own === undefined ? 1 : 0);
    this.#sum = { turn, atMs };
  }

  #addOthers({ layout, figures, rows }: Told): void {
    const slots = this.#layouts.slots(layout);
    for (let row = 0; row < rows; row++) if (slots[row] >= 0) addRow(this.#others, slots[row], figures, row, 1);
  }
}
