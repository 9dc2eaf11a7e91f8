/** Finds networks whose arrays do not fit together, before they become files that nobody can read. */
import { describeRange, inRange, SCALER_MEAN, SCALER_SCALE } from "../../../shared/ranges.ts";
import type { Network } from "../network.ts";
import { checkFeatureList } from "./feature-list.ts";

/** Throws a `RangeError` that names the part of the network that is wrong. */
export function checkNetwork(network: Network): void {
  const { features, mean, scale, w1, b1, w2, b2, linear } = network;
  const complaint = checkFeatureList(features);
  if (complaint !== null) throw new RangeError(`network.features: ${complaint}`);
  const n = features.length;
  const h = b1.length;
  if (h === 0) throw new RangeError("network.b1: has no entry: at least one hidden unit is needed");
  const sizes = { mean: [mean, n], scale: [scale, n], w1: [w1, h * n], w2: [w2, h], linear: [linear, n] } as const;
  for (const [name, [values, length]] of Object.entries(sizes)) {
    if (values.length !== length) {
      throw new RangeError(
        `network.${name}: has ${values.length} entries, ${n} features and ${h} hidden units need ${length}`,
      );
    }
  }
  for (const [name, values] of Object.entries({ mean, scale, w1, b1, w2, b2: [b2], linear })) {
    const at = Array.prototype.findIndex.call(values, (value: number) => !Number.isFinite(Math.fround(value)));
    if (at >= 0)
      throw new RangeError(`network.${name}: entry ${at} is ${values[at]}: it must be a finite 32-bit float`);
  }
  const at = scale.findIndex((value) => value <= 0);
  if (at >= 0) throw new RangeError(`network.scale: entry ${at} (${features[at]}) is ${scale[at]}: it must be above 0`);
  for (const [name, values, range] of [
    ["mean", mean, SCALER_MEAN],
    ["scale", scale, SCALER_SCALE],
  ] as const) {
    const at = values.findIndex((value) => !inRange(value, range));
    if (at >= 0)
      throw new RangeError(`network.${name}: entry ${at} is ${values[at]}: it must be ${describeRange(range)}`);
  }
}
