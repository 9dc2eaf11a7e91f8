/** Looks for a champion until there is one, and for another when the operator has exchanged it. */
import type { Logger } from "../../../telemetry/log/logger.ts";
import type { LoadedModel } from "../shelf/loaded-model.ts";
import type { ChampionSource } from "./champion-source.ts";

/** A champion that could not be had is looked for again after this, milliseconds; later more seldom: some take long to try. */
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 600_000;

export class ChampionSearch {
  readonly #source: ChampionSource;
  readonly #pool: string;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  #dueMs = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #searching = false;
  #problem: string | null = null;

  /** @param pool name of the pool that it is for. */
  constructor(source: ChampionSource, pool: string, log: Logger, nowMs: () => number) {
    this.#pool = pool;
    this.#source = source;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Why the model that should serve does not; `null` = it does. */
  get problem(): string | null {
    return this.#problem;
  }

  /** A seat that is empty should be looked for now. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#dueMs;
  }

  /** For an empty seat. Never rejects; what fails is tried again later. @param seat puts the model that was found there. */
  async fill(seat: (found: LoadedModel) => Promise<void>): Promise<void> {
    if (this.#searching) return;
    this.#searching = true;
    try {
      const found = await this.#source.find();
      await seat(found);
      this.#problem = null;
      this.#pauseMs = FIRST_PAUSE_MS;
      const { version } = found;
      this.#log.info({ model_version: version }, `the champion is ${this.#source.nameOf(version)}`);
    } catch (error) {
      this.#problem = (error as Error).message;
      this.#log.once(`champion of ${this.#pool}`, "there is no model to route by; the estimator balances", {
        why: this.#problem,
      });
    } finally {
      this.#dueMs = this.#nowMs() + this.#pauseMs;
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
      this.#searching = false;
    }
  }

  /** For a seat that is taken, when the source has changed. Never rejects. @param seat puts the model that was found there. */
  async exchange(seat: (found: LoadedModel) => void): Promise<void> {
    try {
      const found = await this.#source.find();
      this.#problem = null;
      seat(found);
    } catch (error) {
      this.#problem = (error as Error).message;
      this.#log.warn(`${this.#problem}; the model before it stays in service`);
    }
  }

  /** Something has changed: what fails now is tried again soon. */
  hurry(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
  }
}
