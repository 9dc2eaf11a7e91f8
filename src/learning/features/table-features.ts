/** The features behind one table of scores: what a model is asked with, and what is kept to explain and judge by. */
import { columnLoad, columnOf } from "../../balancing/score-columns.ts";
import { FEATURE_NAMES, type FeatureName, LOAD_FEATURES } from "./feature-names.ts";
import { FEATURE_COUNT, type FleetFeatures } from "./fleet-features.ts";

const LOAD_INDICES = LOAD_FEATURES.map((name) => FEATURE_NAMES.indexOf(name));
const PER_COLUMN = LOAD_INDICES.length;
const RISE = LOAD_FEATURES.indexOf("log_curve_rise");
const P95_INDEX = FEATURE_NAMES.indexOf("response_p95");

/** Features of every server of a fleet at one moment, at each load of the first `columns` columns. Read only. */
export class TableFeatures {
  readonly slots: Int32Array;
  /** By place in `slots`, here and below. */
  readonly ids: Int32Array;
  readonly columns: number;
  /** The fleet's mean latency then, milliseconds. */
  readonly meanMs: number;
  /** `[servers × FEATURE_COUNT]`; those of the load are of column 0. */
  readonly #rows: Float32Array;
  /** `[servers × columns × LOAD_FEATURES]`. */
  readonly #loads: Float32Array;

  /**
   * Takes them from `features` as they are at `nowMs`.
   * @param ids by slot.
   * @param wantsP95 `response_p95` is computed too; it is NaN otherwise.
   */
  constructor(
    features: FleetFeatures,
    slots: Int32Array,
    ids: ArrayLike<number>,
    columns: number,
    nowMs: number,
    wantsP95: boolean,
  ) {
    const count = slots.length;
    this.slots = slots;
    this.ids = Int32Array.from(slots, (slot) => ids[slot]);
    this.columns = columns;
    this.#rows = new Float32Array(count * FEATURE_COUNT);
    this.#loads = new Float32Array(count * columns * PER_COLUMN);
    const row = new Float64Array(FEATURE_COUNT).fill(Number.NaN);
    features.begin(slots, count, nowMs);
    this.meanMs = features.meanMs;
    let to = 0;
    for (let server = 0; server < count; server++) {
      const slot = slots[server];
      features.fillServer(slot, row, 0);
      if (wantsP95) features.fillP95(slot, row, 0);
      else row[P95_INDEX] = Number.NaN;
      for (let column = 0; column < columns; column++) {
        features.fillLoad(slot, columnLoad(column), row, 0);
        if (column === 0) this.#rows.set(row, server * FEATURE_COUNT);
        for (let i = 0; i < PER_COLUMN; i++) this.#loads[to++] = row[LOAD_INDICES[i]];
      }
    }
  }

  /** Size of what is kept, bytes. */
  get bytes(): number {
    return this.#rows.byteLength + this.#loads.byteLength;
  }

  /** Place of a server; -1 = it is not among them. */
  indexOf(slot: number, id: number): number {
    const server = this.slots.indexOf(slot);
    return server >= 0 && this.ids[server] === id ? server : -1;
  }

  /** How many times as long a request takes at a server with `inFlight` others as it does alone, ≥ 1 where that is known. */
  growth(server: number, inFlight: number): number {
    const column = Math.min(columnOf(inFlight), this.columns - 1);
    return Math.exp(this.#loads[(server * this.columns + column) * PER_COLUMN + RISE]);
  }

  /**
   * Writes all features of a server with `inFlight` requests into `row[at … at + FEATURE_COUNT)`. Beyond the columns that
   * were computed, those of the last.
   */
  fillRow(server: number, inFlight: number, row: Float64Array | Float32Array, at: number): void {
    row.set(this.#rows.subarray(server * FEATURE_COUNT, (server + 1) * FEATURE_COUNT), at);
    const column = Math.min(columnOf(inFlight), this.columns - 1);
    const from = (server * this.columns + column) * PER_COLUMN;
    for (let i = 0; i < PER_COLUMN; i++) row[at + LOAD_INDICES[i]] = this.#loads[from + i];
  }

  /**
   * One row for each server and column, `[servers × columns × names]`, in that order: what a model is asked with.
   * @param selection indices of the model's features (`selectFeatures`).
   * @param room where the rows may be written, if it is large enough: they are half of all the memory that a table takes.
   */
  batch(selection: Int32Array, room: Float64Array): Float64Array {
    const width = selection.length;
    const loadOf = Int32Array.from(selection, (index) => LOAD_INDICES.indexOf(index));
    const length = this.slots.length * this.columns * width;
    const batch = room.length < length ? new Float64Array(length) : room.subarray(0, length);
    let to = 0;
    let load = 0;
    for (let server = 0; server < this.slots.length; server++) {
      const row = server * FEATURE_COUNT;
      for (let column = 0; column < this.columns; column++, load += PER_COLUMN) {
        for (let i = 0; i < width; i++) {
          batch[to++] = loadOf[i] < 0 ? this.#rows[row + selection[i]] : this.#loads[load + loadOf[i]];
        }
      }
    }
    return batch;
  }
}

/** Indices of a model's features in our rows. Throws an `Error` that names those that the learner cannot compute. */
export function selectFeatures(names: readonly string[]): Int32Array {
  const indices = Int32Array.from(names, (name) => FEATURE_NAMES.indexOf(name as FeatureName));
  const unknown = names.filter((_, i) => indices[i] < 0);
  if (unknown.length === 0 && names.length > 0) return indices;
  const what = names.length === 0 ? "the model asks for no features" : `there is no feature ${unknown.join(", ")}`;
  throw new Error(`${what}: use some of ${FEATURE_NAMES.join(", ")}`);
}
