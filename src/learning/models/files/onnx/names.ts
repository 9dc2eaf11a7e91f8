/** Names inside an ONNX file that the contract or our own graph gives. */

/** Input and output of the contract. */
export const INPUT_NAME = "features";
export const OUTPUT_NAME = "predicted_score";

/** What our own files name as their producer. */
export const PRODUCER = "neurabalancer";

/** Key in the model's metadata for what its output means (`OutputKind`); a file without it gives a `score`. */
export const OUTPUT_KIND_KEY = "neurabalancer.output";

/** The tensors of our own graph. */
export const INITIALIZERS = {
  limitLow: "input_limit_low",
  limitHigh: "input_limit_high",
  /** `[h, n]` */
  w1: "hidden.weight",
  /** `[h]` */
  b1: "hidden.bias",
  /** `[1, h]` */
  w2: "output.weight",
  /** `[1]` */
  b2: "output.bias",
  /** `[1, n]` */
  linear: "linear.weight",
} as const;
