/** What the other instances have told of a pool's servers, for as long as it is believed. */
import { emptyKnowledge, type Knowledge, Told } from "./packed.ts";
import { BELIEVED_MS, type ToldBytes } from "./script.ts";

/** Of so many others what they told is kept: more know no more. */
const MOST_KEPT = 64;

interface Entry {
  readonly told: Told;
  /** Believed until then, on the boot clock, milliseconds. */
  readonly untilMs: number;
}

/** One pool's. The clock is passed in. */
export class OthersKnowledge {
  /** By instance; who was heard last is last. */
  readonly #entries = new Map<string, Entry>();
  readonly #sum = emptyKnowledge();
  #refused = 0;

  /** How many others are believed. */
  get instances(): number {
    return this.#entries.size;
  }

  /** How often somebody told what is none of ours. */
  get refused(): number {
    return this.#refused;
  }

  /** One of them has told this. */
  hear({ id, ageMs, bytes }: ToldBytes, nowMs: number): void {
    const told = Told.read(bytes);
    if (told === null) {
      this.#refused++;
      return;
    }
    this.#entries.delete(id);
    this.#entries.set(id, { told, untilMs: nowMs - ageMs + BELIEVED_MS });
    if (this.#entries.size <= MOST_KEPT) return;
    const [first] = this.#entries.keys();
    this.#entries.delete(first);
  }

  /** Forgets those that have said nothing for too long. */
  expire(nowMs: number): void {
    for (const [id, { untilMs }] of this.#entries) if (nowMs >= untilMs) this.#entries.delete(id);
  }

  /** How many of them know something of a server, and what all of these know together: until the next call. */
  of(mark: string): { readonly instances: number; readonly known: Knowledge } {
    const sum = this.#sum;
    sum.sizes.fill(0);
    sum.curve.fill(0);
    let instances = 0;
    let ratios = 0;
    let logs = 0;
    for (const { told } of this.#entries.values()) {
      const ratio = told.addTo(mark, sum);
      if (ratio === null) continue;
      instances++;
      if (!(ratio > 0)) continue;
      ratios++;
      logs += Math.log(ratio);
    }
    sum.ratio = ratios === 0 ? Number.NaN : Math.exp(logs / ratios);
    return { instances, known: sum };
  }
}
