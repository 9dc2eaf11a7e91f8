/** A network in this process as a score model. */
import { forward, type Network, passingNetwork, scaleRow } from "./network.ts";
import { checkRows, type OutputKind, type ScoreModel } from "./score-model.ts";

export class NetworkModel implements ScoreModel {
  readonly featureNames: readonly string[];
  readonly outputKind: OutputKind = "log_relative_cost";
  readonly #network: Network;
  readonly #row: Float64Array;
  readonly #clipped: Float64Array;

  constructor(network: Network) {
    this.featureNames = network.features;
    this.#network = network;
    this.#row = new Float64Array(network.features.length);
    this.#clipped = new Float64Array(network.features.length);
  }

  async predict(rows: Float64Array | Float32Array, count: number): Promise<Float32Array> {
    checkRows(this, rows, count);
    const row = this.#row;
    const n = row.length;
    const scores = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < n; j++) row[j] = rows[i * n + j];
      scaleRow(this.#network, row);
      scores[i] = forward(this.#network, row, this.#clipped);
    }
    return scores;
  }

  async release(): Promise<void> {}
}

/** The network that says what the estimator says. */
export function estimatorNetwork(): Network {
  return passingNetwork("log_expected");
}
