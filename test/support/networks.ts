/** Networks with weights drawn at random, for tests of what reads, writes and runs them. */
import { CONTRACT_FEATURES, FEATURE_NAMES } from "../../src/learning/features/feature-names.ts";
import type { Network } from "../../src/learning/models/network.ts";

/** Uniform in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A network over the first `n` features with `h` hidden units. */
export function randomNetwork(seed: number, n: number = FEATURE_NAMES.length, h = 12): Network {
  const random = seeded(seed);
  const draw = (length: number, width: number) => Float64Array.from({ length }, () => (random() * 2 - 1) * width);
  return {
    features: n === CONTRACT_FEATURES.length ? [...CONTRACT_FEATURES] : FEATURE_NAMES.slice(0, n),
    mean: draw(n, 50),
    scale: draw(n, 10).map((value) => Math.abs(value) + 0.1),
    w1: draw(h * n, 0.5),
    b1: draw(h, 1),
    w2: draw(h, 0.5),
    b2: draw(1, 1)[0],
    linear: draw(n, 0.3),
  };
}

/** `count` rows of raw inputs around the network's means, out to 6 standard deviations; one value in twenty is unknown. */
export function randomRows(
  network: {
    readonly features: readonly string[];
    readonly mean: ArrayLike<number>;
    readonly scale: ArrayLike<number>;
  },
  count: number,
  seed: number,
): Float64Array {
  const random = seeded(seed);
  const n = network.features.length;
  return Float64Array.from({ length: count * n }, (_, i) => {
    const column = i % n;
    if (random() < 0.05) return Number.NaN;
    return network.mean[column] + (random() * 2 - 1) * 6 * network.scale[column];
  });
}
