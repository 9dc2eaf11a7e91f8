/**
 * How the last choice of a pool's picker came about, as the strategy says it and the picker knows it: taken down for explanations
 * and spans. One for all choices: whoever wants to keep it copies it before the next.
 */
import { Choice, type ChoiceNotes, isHighestBest, Scale } from "../../balancing/choice.ts";
import { EXPLAIN_CANDIDATES, ExplainCandidateFlag, ExplainCandidateWord } from "../../shared/memory/layout/explain.ts";
import type { ServerTable } from "../../shared/memory/layout/shared-memory.ts";
import { IneligibleServers } from "./ineligible-servers.ts";

const { SERVER, LOAD, SCORE, LENGTH } = ExplainCandidateWord;
const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Int32Array(FLOAT.buffer);
const MOST_IN_FLIGHT = 0xffff;
/** Bits of a server's id: no run has more servers. */
const ID_MASK = 0xff_ffff;

/** Of one worker. */
export class ChoiceRecord implements ChoiceNotes {
  readonly #servers: Pick<ServerTable, "id" | "inFlight" | "effectiveWeight">;
  /** Candidates as `ExplainCandidateWord` has them, the chosen one first. */
  readonly words = new Int32Array(EXPLAIN_CANDIDATES * LENGTH);
  readonly floats = new Float32Array(this.words.buffer);
  /** How many of these there are. */
  kept = 0;
  choice: Choice = Choice.UNKNOWN;
  scale: Scale = Scale.NONE;
  /** Candidates there were. */
  count = 0;
  /** `Rank` of those that were chosen from. */
  rank = 0;
  readonly ineligible = new IneligibleServers();
  readonly scores: Float64Array;
  #chosen = -1;
  /** By place in `words`. */
  readonly #slots = new Int32Array(EXPLAIN_CANDIDATES);
  /** By place, while candidates are ranked: lower is better. */
  readonly #ranks = new Float64Array(EXPLAIN_CANDIDATES);
  #roomPerWeight = Number.POSITIVE_INFINITY;

  constructor(servers: Pick<ServerTable, "id" | "inFlight" | "effectiveWeight">) {
    this.#servers = servers;
    this.scores = new Float64Array(servers.id.length);
  }

  /** `slot` was chosen of `count`; what is in flight does not count the request yet. */
  begin(slot: number, count: number, rank: number): void {
    this.#chosen = slot;
    this.count = count;
    this.rank = rank;
    this.choice = Choice.UNKNOWN;
    this.scale = Scale.NONE;
    this.kept = 1;
    this.scores[slot] = Number.NaN;
    this.#roomPerWeight = Number.POSITIVE_INFINITY;
    this.#slots[0] = slot;
    this.#write(0, slot);
  }

  made(choice: Choice, scale: Scale): void {
    this.choice = choice;
    this.scale = scale;
  }

  add(slot: number, score: number): void {
    this.scores[slot] = score;
    if (slot !== this.#chosen && this.kept < EXPLAIN_CANDIDATES) this.#slots[this.kept++] = slot;
  }

  /** Of hundreds nearly all end with one comparison. It calls nothing: a call in the loop would cost more than all the rest. */
  ranked(candidates: Int32Array, count: number, roomPerWeight = Number.POSITIVE_INFINITY): void {
    const slots = this.#slots;
    const ranks = this.#ranks;
    const { scores } = this;
    const chosen = this.#chosen;
    // What is compared here is better when it is lower.
    const sign = isHighestBest(this.scale) ? -1 : 1;
    let kept = 1;
    let worst = 0;
    let bound = Number.NaN;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      const rank = sign * scores[slot];
      if (rank >= bound || slot === chosen) continue;
      const place = kept < EXPLAIN_CANDIDATES ? kept++ : worst;
      slots[place] = slot;
      ranks[place] = rank;
      if (kept < EXPLAIN_CANDIDATES) continue;
      worst = 1;
      bound = ranks[1];
      for (let other = 2; other < EXPLAIN_CANDIDATES; other++) {
        if (ranks[other] <= bound) continue;
        bound = ranks[other];
        worst = other;
      }
    }
    this.kept = kept;
    this.#roomPerWeight = roomPerWeight;
  }

  /** The strategy has said what it went by. Of few candidates those are named, too, that were not compared. */
  end(candidates: Int32Array, count: number): void {
    const compared = this.kept;
    if (compared < count && count <= EXPLAIN_CANDIDATES) {
      for (let i = 0; i < count; i++) {
        const slot = candidates[i];
        let known = false;
        for (let j = 0; j < compared; j++) if (this.#slots[j] === slot) known = true;
        if (!known) this.add(slot, Number.NaN);
      }
    }
    this.floats[SCORE] = this.scores[this.#chosen];
    for (let place = 1; place < this.kept; place++) this.#write(place, this.#slots[place]);
  }

  #write(place: number, slot: number): void {
    const { id, inFlight, effectiveWeight } = this.#servers;
    const at = place * LENGTH;
    const load = inFlight[slot];
    const full = place > 0 && load >= this.#roomPerWeight * effectiveWeight[slot];
    this.words[at + SERVER] = (id[slot] & ID_MASK) | (full ? ExplainCandidateFlag.FULL << 24 : 0);
    FLOAT[0] = effectiveWeight[slot];
    this.words[at + LOAD] = Math.min(Math.max(0, load), MOST_IN_FLIGHT) | (FLOAT_BITS[0] & ~0xffff);
    this.floats[at + SCORE] = this.scores[slot];
  }
}
