/** What this instance has told lately: its part of a sum that others have made. */
import { emptyFigures, type Figures } from "./figures.ts";

/** So many shares are remembered: a sum has one of the last few. */
const REMEMBERED = 32;
/** Turns begin again after this one. */
const LAST_TURN = 0x7fff_ffff;

/** One instance's. */
export class OwnShares {
  readonly #slots: number;
  readonly #turns: number[] = [];
  readonly #figures: Figures[] = [];
  #turn = 0;
  #next = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Remembers figures by slot. @returns under which turn. */
  keep(figures: Figures): number {
    this.#turn = this.#turn === LAST_TURN ? 1 : this.#turn + 1;
    const at = this.#next;
    this.#next = (at + 1) % REMEMBERED;
    this.#figures[at] ??= emptyFigures(this.#slots);
    for (const name of Object.keys(figures) as (keyof Figures)[]) this.#figures[at][name].set(figures[name]);
    this.#turns[at] = this.#turn;
    return this.#turn;
  }

  /** `undefined` = it is not remembered. */
  at(turn: number): Figures | undefined {
    const at = this.#turns.indexOf(turn);
    return at < 0 ? undefined : this.#figures[at];
  }

  forget(): void {
    this.#turns.length = 0;
    this.#next = 0;
  }
}
