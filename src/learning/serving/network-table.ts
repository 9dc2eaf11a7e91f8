/** Fills a server's row of a score table from a network, without building the rows of features one by one. */
import { columnLoad } from "../../balancing/score-columns.ts";
import { FEATURE_NAMES, type FeatureName, LOAD_FEATURES } from "../features/feature-names.ts";
import { FEATURE_COUNT, type FleetFeatures } from "../features/fleet-features.ts";
import { INPUT_LIMIT, type Network, scaleInput } from "../models/network.ts";
import { extrapolate } from "./score-table.ts";

/**
 * Evaluates one network over tables. Exactly `forward` of each row: what does not depend on the load enters the hidden
 * layer once per server.
 */
export class NetworkTable {
  readonly #network: Network;
  /** For each input: its place in the learner's rows. */
  readonly #source: Int32Array;
  readonly #static: Int32Array;
  readonly #loads: Int32Array;
  readonly #row = new Float64Array(FEATURE_COUNT).fill(Number.NaN);
  readonly #hidden: Float64Array;
  readonly #scaled: Float64Array;

  constructor(network: Network) {
    this.#network = network;
    this.#source = Int32Array.from(network.features, (name) => FEATURE_NAMES.indexOf(name as FeatureName));
    const isLoad = (name: string) => LOAD_FEATURES.includes(name as FeatureName);
    const indices = network.features.map((name, i) => [name, i] as const);
    this.#static = Int32Array.from(
      indices.filter(([name]) => !isLoad(name)),
      ([, i]) => i,
    );
    this.#loads = Int32Array.from(
      indices.filter(([name]) => isLoad(name)),
      ([, i]) => i,
    );
    this.#hidden = new Float64Array(network.b1.length);
    this.#scaled = new Float64Array(network.linear.length);
  }

  /**
   * Writes the costs of the server in `slot` into `cost[at … at + SCORE_COLUMNS)`, milliseconds. `features.begin` was
   * called for this moment.
   * @param columns columns that are computed; those behind repeat the growth of the last.
   */
  fill(features: FleetFeatures, slot: number, cost: Float32Array, at: number, columns: number): void {
    const { w1, b1, w2, b2, linear } = this.#network;
    const n = linear.length;
    const row = this.#row;
    const hidden = this.#hidden;
    const scaled = this.#scaled;
    features.fillServer(slot, row, 0);
    let base = b2;
    hidden.set(b1);
    const statics = this.#static;
    // By number: iterators over typed arrays are slow, and this is most of what a table costs.
    for (let k = 0; k < statics.length; k++) {
      const i = statics[k];
      const x = this.#scale(i);
      base += linear[i] * x;
      const clipped = Math.max(-INPUT_LIMIT, Math.min(INPUT_LIMIT, x));
      if (clipped !== 0) for (let unit = 0; unit < hidden.length; unit++) hidden[unit] += w1[unit * n + i] * clipped;
    }
    const meanMs = features.meanMs;
    const loads = this.#loads;
    for (let column = 0; column < columns; column++) {
      features.fillLoad(slot, columnLoad(column), row, 0);
      let y = base;
      for (let k = 0; k < loads.length; k++) {
        const i = loads[k];
        const x = this.#scale(i);
        y += linear[i] * x;
        scaled[i] = Math.max(-INPUT_LIMIT, Math.min(INPUT_LIMIT, x));
      }
      for (let unit = 0; unit < hidden.length; unit++) {
        let sum = hidden[unit];
        for (let k = 0; k < loads.length; k++) sum += w1[unit * n + loads[k]] * scaled[loads[k]];
        y += w2[unit] * Math.tanh(sum);
      }
      cost[at + column] = meanMs * Math.exp(y);
    }
    extrapolate(cost, at, columns);
  }

  #scale(i: number): number {
    const { mean, scale } = this.#network;
    return scaleInput(this.#row[this.#source[i]], mean[i], scale[i]);
  }
}
