/** The network of our own models: one hidden layer, and a linear path beside it. Plain data and the forward pass. */

/** Inputs of the hidden layer are kept within this many standard deviations: far from its data a network says nothing. */
export const INPUT_LIMIT = 4;

/** No input is taken for further from its mean than this many standard deviations: none becomes infinite as a 32-bit float. */
const SCALED_LIMIT = 1e6;

/**
 * A trained network over n features with h hidden units. Its output is the logarithm of the expected cost of a request
 * relative to the fleet's mean latency:
 *
 *     x̂ = (x - mean) / scale, 0 where x is unknown (NaN), and never beyond a million
 *     y = w2 · tanh(w1 · clip(x̂) + b1) + b2 + linear · x̂
 *
 * The linear path carries `log d(k)`, so the hidden layer has to learn the difference only; it is not clipped, because
 * what is expected of a server may well be far from the mean.
 */
export interface Network {
  /** Names of the inputs, in order (feature-names.ts). */
  readonly features: readonly string[];
  readonly mean: Float64Array;
  /** > 0. */
  readonly scale: Float64Array;
  /** `[h × n]`, row by hidden unit. */
  readonly w1: Float64Array;
  /** `[h]`. */
  readonly b1: Float64Array;
  /** `[h]`. */
  readonly w2: Float64Array;
  readonly b2: number;
  /** `[n]`, on scaled inputs. */
  readonly linear: Float64Array;
}

/** One input in standard deviations from the mean; what is unknown (NaN) becomes the mean. Always finite. */
export function scaleInput(value: number, mean: number, scale: number): number {
  const scaled = (value - mean) / scale;
  if (Number.isNaN(scaled)) return 0;
  return Math.max(-SCALED_LIMIT, Math.min(SCALED_LIMIT, scaled));
}

/** Scales one row of inputs in place. */
export function scaleRow(network: Pick<Network, "mean" | "scale">, row: Float64Array): void {
  const { mean, scale } = network;
  for (let i = 0; i < mean.length; i++) row[i] = scaleInput(row[i], mean[i], scale[i]);
}

/**
 * The output for one row of scaled inputs.
 * @param clipped room for as many: what is not given is made, which costs more than all the rest where there are many rows.
 */
export function forward(
  network: Network,
  scaled: ArrayLike<number>,
  clipped: Float64Array = new Float64Array(network.linear.length),
): number {
  const { w1, b1, w2, b2, linear } = network;
  const n = linear.length;
  let y = b2;
  for (let i = 0; i < n; i++) {
    y += linear[i] * scaled[i];
    clipped[i] = Math.max(-INPUT_LIMIT, Math.min(INPUT_LIMIT, scaled[i]));
  }
  for (let unit = 0; unit < b1.length; unit++) {
    let sum = b1[unit];
    for (let i = 0, at = unit * n; i < n; i++, at++) sum += w1[at] * clipped[i];
    y += w2[unit] * Math.tanh(sum);
  }
  return y;
}

/** A network that passes one input on, in its own units, and has learned nothing beside it. */
export function passingNetwork(feature: string): Network {
  const none = new Float64Array(0);
  return {
    features: [feature],
    mean: Float64Array.of(0),
    scale: Float64Array.of(1),
    w1: none,
    b1: none,
    w2: none,
    b2: 0,
    linear: Float64Array.of(1),
  };
}
