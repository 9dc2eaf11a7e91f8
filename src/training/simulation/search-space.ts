/**
 * What evolution may change of a network: the linear path of its own features, and how much its hidden units count
 * altogether. The units themselves stay as supervised training made them: they are what is worth knowing, and few numbers
 * are found sooner than many.
 */
import { OWN_FEATURES } from "../../learning/features/feature-names.ts";
import type { Network } from "../../learning/models/network.ts";
import { SILENT_INPUTS } from "./supervised-start.ts";

/** Standard deviation of the first steps, on scaled inputs: a few percent of cost for a server one deviation off. */
const SPREAD = 0.03;
/** The same of the factor of all hidden units. */
const HIDDEN_SPREAD = 0.15;

/** The point of the space where `network` is. */
export function pointOf(network: Network): Float64Array {
  return Float64Array.from([...heardInputs(network).map((i) => network.linear[i]), 1]);
}

/** How far the first steps go, coordinate by coordinate. */
export function spreadOf(network: Network): Float64Array {
  return Float64Array.from([...heardInputs(network).map(() => SPREAD), HIDDEN_SPREAD]);
}

/** `network` moved to `point`. */
export function networkAt(network: Network, point: Float64Array): Network {
  const inputs = heardInputs(network);
  const linear = network.linear.slice();
  for (const [j, i] of inputs.entries()) linear[i] = point[j];
  return { ...network, linear, w2: network.w2.map((w) => w * point[inputs.length]) };
}

function heardInputs({ features }: Network): number[] {
  const own: readonly string[] = OWN_FEATURES;
  return features.flatMap((name, i) => (own.includes(name) && !SILENT_INPUTS.includes(name) ? [i] : []));
}
