/** The last look at a network before anybody uses it. */
import { checkNetwork } from "../learning/models/files/network-check.ts";
import { forward, type Network } from "../learning/models/network.ts";

/** A training that gave something unusable, or could not begin. The message is made for the operator. */
export class TrainingError extends Error {
  override readonly name: string = "TrainingError";
}

/** Standard deviations from the mean at which each input is tried, alone and all together. */
const PROBES = [0, -1, 1, -4, 4, -20, 20];
/** e^25 times the fleet's mean latency is 10^11 times: no fleet is like that, and no table of costs can hold much more. */
const MOST = 25;

/** Throws a `TrainingError` when a weight is not finite, or the network's answer to some probe is absurd. */
export function checkTrained(network: Network): void {
  try {
    checkNetwork(network);
  } catch (error) {
    throw new TrainingError(`training gave an unusable network: ${(error as Error).message}`);
  }
  const n = network.features.length;
  for (const at of PROBES) {
    // Inputs beyond the limit of the hidden layer still count on the linear path.
    checkOutput(network, new Float64Array(n).fill(Math.max(-4, Math.min(4, at))), `all inputs at ${at}`);
    for (const [i, name] of network.features.entries()) {
      const row = new Float64Array(n);
      row[i] = at;
      checkOutput(network, row, `${name} at ${at}`);
    }
  }
}

function checkOutput(network: Network, scaled: Float64Array, where: string): void {
  const output = forward(network, scaled);
  if (Math.abs(output) <= MOST) return; // false for NaN
  throw new TrainingError(
    `training gave an unusable network: its output is ${output} with ${where} standard deviations from the mean; it must be within ±${MOST}`,
  );
}
