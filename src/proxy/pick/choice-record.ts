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
  readonly #slots = new Int32Array(EXPLAIN_CANDIDATES);
  /** How many of these there are. */
  kept = 0;
  choice: Choice = Choice.UNKNOWN;
  scale: Scale = Scale.NONE;
  /** Candidates there were. */
  count = 0;
  /** `Rank` of picker.ts of those that were chosen from. */
  rank = 0;
  readonly ineligible = new IneligibleServers();
  #chosen = -1;
  /** Place of the worst that is kept beside the chosen one, and its number; known when there is no room for more. */
  #worst = 0;
  #worstScore = 0;
  #highest = false;

  constructor(servers: Pick<ServerTable, "id" | "inFlight" | "effectiveWeight">) {
    this.#servers = servers;
  }

  /** `slot` was chosen of `count`; what is in flight does not count the request yet. */
  begin(slot: number, count: number, rank: number): void {
    this.#chosen = slot;
    this.#highest = false;
    this.count = count;
    this.rank = rank;
    this.choice = Choice.UNKNOWN;
    this.scale = Scale.NONE;
    this.kept = 1;
    this.#write(0, slot, Number.NaN, false);
  }

  made(choice: Choice, scale: Scale): void {
    this.choice = choice;
    this.scale = scale;
    this.#highest = isHighestBest(scale);
  }

  add(slot: number, score: number, full: boolean): void {
    if (this.kept === EXPLAIN_CANDIDATES && slot !== this.#chosen) {
      // Nearly all of a large fleet.
      if (this.#highest ? score <= this.#worstScore : score >= this.#worstScore) return;
      this.#write(this.#worst, slot, score, full);
    } else if (slot === this.#chosen) {
      this.floats[SCORE] = score;
      return;
    } else {
      this.#write(this.kept++, slot, score, full);
      if (this.kept < EXPLAIN_CANDIDATES) return;
    }
    this.#findWorst();
  }

  /** Of few candidates those are named, too, that were not compared. */
  fill(candidates: Int32Array, count: number): void {
    if (this.kept >= count || count > EXPLAIN_CANDIDATES) return;
    const compared = this.kept;
    for (let i = 0; i < count; i++) {
      const slot = candidates[i];
      let known = false;
      for (let j = 0; j < compared; j++) if (this.#slots[j] === slot) known = true;
      if (!known) this.#write(this.kept++, slot, Number.NaN, false);
    }
  }

  #write(place: number, slot: number, score: number, full: boolean): void {
    const { id, inFlight, effectiveWeight } = this.#servers;
    const at = place * LENGTH;
    this.#slots[place] = slot;
    this.words[at + SERVER] = (id[slot] & ID_MASK) | (full ? ExplainCandidateFlag.FULL << 24 : 0);
    FLOAT[0] = effectiveWeight[slot];
    const load = inFlight[slot];
    this.words[at + LOAD] = Math.min(Math.max(0, load), MOST_IN_FLIGHT) | (FLOAT_BITS[0] & ~0xffff);
    this.floats[at + SCORE] = score;
  }

  #findWorst(): void {
    let at = 1;
    for (let place = 2; place < this.kept; place++) {
      const score = this.floats[place * LENGTH + SCORE];
      const worst = this.floats[at * LENGTH + SCORE];
      if (this.#highest ? score < worst : score > worst) at = place;
    }
    this.#worst = at;
    this.#worstScore = this.floats[at * LENGTH + SCORE];
  }
}
