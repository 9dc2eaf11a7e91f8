/**
 * What an instance has seen of the servers of a pool, as it tells the others: of each server what it is called, and how likely each
 * size is by its responses. Bytes of others are checked: what is none of ours is refused whole, and no number can be out of bounds.
 */
import { createHash } from "node:crypto";
import { CURVE_GUESSES } from "../../features/server-curves.ts";
import { SIZE_GUESSES } from "../../limits/size-belief.ts";

/** How these bytes are laid out: another version's are refused. */
const FORMAT = 1;
/** Format, and how many guesses there are of each kind: who has others has other sizes. */
const HEAD_BYTES = 3;
const MARK_BYTES = 8;
const RATIO_AT = MARK_BYTES + SIZE_GUESSES + CURVE_GUESSES;
const ROW_BYTES = RATIO_AT + 1;
/** The most servers that an instance tells of. */
export const MOST_ROWS = 4096;
/** The most bytes that it takes. */
export const MOST_BYTES = HEAD_BYTES + MOST_ROWS * ROW_BYTES;

/** Nats in one step of a byte: 25 at most. */
const NATS_STEP = 0.1;
/** Steps of a byte in which a ratio doubles: from 1/200 to 200, around the middle. 0 = not known. */
const RATIO_STEPS = 16;
const RATIO_MIDDLE = 128;
/** Evidence by which no guess is this far behind another says nothing, nats. */
const LEAST_NATS = 0.5;

/** What is known of one server. */
export interface Knowledge {
  /** By size, nats behind the best: `SizeBelief.evidence` and `ServerCurves.evidence`. */
  readonly sizes: Float64Array;
  readonly curve: Float64Array;
  /** `ServerCurves.evidence`; NaN = not known. */
  ratio: number;
}

/** Nothing, for now. */
export function emptyKnowledge(): Knowledge {
  return { sizes: new Float64Array(SIZE_GUESSES), curve: new Float64Array(CURVE_GUESSES), ratio: Number.NaN };
}

/** Whether it would tell anybody anything. */
export function saysSomething({ sizes, curve, ratio }: Knowledge): boolean {
  return isEvidence(sizes) || isEvidence(curve) || ratio > 0;
}

/** Whether guesses differ in how well they fit. */
export function isEvidence(nats: Float64Array): boolean {
  return nats.some((behind) => behind >= LEAST_NATS);
}

/** What instances call a server of a pool among each other: 16 hexadecimal digits. @param name url and address. */
export function markOf(pool: string, name: string): string {
  return createHash("sha256")
    .update(`${pool}|${name}`)
    .digest("hex")
    .slice(0, 2 * MARK_BYTES);
}

/** Puts together what is told. */
export class Packer {
  #bytes = Buffer.alloc(0);
  #length = HEAD_BYTES;

  /** Begins anew. @param rows how many servers are added at most. */
  begin(rows: number): void {
    const bytes = HEAD_BYTES + Math.min(rows, MOST_ROWS) * ROW_BYTES;
    if (this.#bytes.length < bytes) this.#bytes = Buffer.alloc(bytes);
    this.#bytes.set([FORMAT, SIZE_GUESSES, CURVE_GUESSES]);
    this.#length = HEAD_BYTES;
  }

  /** Adds a server; one too many is left out. */
  add(mark: string, { sizes, curve, ratio }: Knowledge): void {
    if (this.#length + ROW_BYTES > this.#bytes.length) return;
    const row = this.#bytes.subarray(this.#length, this.#length + ROW_BYTES);
    this.#length += ROW_BYTES;
    row.write(mark, 0, "hex");
    for (let g = 0; g < SIZE_GUESSES; g++) row[MARK_BYTES + g] = toSteps(sizes[g]);
    for (let g = 0; g < CURVE_GUESSES; g++) row[MARK_BYTES + SIZE_GUESSES + g] = toSteps(curve[g]);
    const steps = Math.round(Math.log2(ratio) * RATIO_STEPS) + RATIO_MIDDLE;
    row[RATIO_AT] = ratio > 0 ? Math.min(Math.max(steps, 1), 255) : 0;
  }

  /** What was added, until `begin`; empty when nothing was. */
  get told(): Uint8Array {
    return this.#bytes.subarray(0, this.#length > HEAD_BYTES ? this.#length : 0);
  }
}

/** What another instance has told. */
export class Told {
  readonly #bytes: Uint8Array;
  /** By mark: where its row begins. */
  readonly #rows: ReadonlyMap<string, number>;

  private constructor(bytes: Uint8Array, rows: ReadonlyMap<string, number>) {
    this.#bytes = bytes;
    this.#rows = rows;
  }

  /** `null` = these bytes are none that an instance of ours tells. */
  static read(bytes: Uint8Array): Told | null {
    const rows = (bytes.length - HEAD_BYTES) / ROW_BYTES;
    if (!Number.isInteger(rows) || rows < 0 || rows > MOST_ROWS) return null;
    if (bytes[0] !== FORMAT || bytes[1] !== SIZE_GUESSES || bytes[2] !== CURVE_GUESSES) return null;
    const found = new Map<string, number>();
    const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = HEAD_BYTES; at < bytes.length; at += ROW_BYTES) {
      found.set(view.toString("hex", at, at + MARK_BYTES), at);
    }
    return new Told(bytes, found);
  }

  /**
   * Adds what it says of a server to what `sum` has: evidence of several instances is added up.
   * @returns the ratio that it tells, NaN = none; `null` = it knows nothing of the server.
   */
  addTo(mark: string, sum: Knowledge): number | null {
    const at = this.#rows.get(mark);
    if (at === undefined) return null;
    const bytes = this.#bytes;
    for (let g = 0; g < SIZE_GUESSES; g++) sum.sizes[g] += NATS_STEP * bytes[at + MARK_BYTES + g];
    for (let g = 0; g < CURVE_GUESSES; g++) sum.curve[g] += NATS_STEP * bytes[at + MARK_BYTES + SIZE_GUESSES + g];
    const steps = bytes[at + RATIO_AT];
    return steps === 0 ? Number.NaN : 2 ** ((steps - RATIO_MIDDLE) / RATIO_STEPS);
  }
}

function toSteps(nats: number): number {
  return Math.min(Math.max(Math.round(nats / NATS_STEP), 0), 255);
}
