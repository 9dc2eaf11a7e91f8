/** Are the model's inputs still of the kind that it was trained on? */
import { percent } from "../../../evidence/describe.ts";
import { type Finding, failed } from "../finding.ts";
import type { DriftOptions } from "../options.ts";

/** What the model was trained on, feature by feature. */
export interface TrainingInputs {
  readonly names: readonly string[];
  readonly mean: ArrayLike<number>;
  /** Standard deviations. */
  readonly scale: ArrayLike<number>;
  /** How much the model heeds each feature, in any unit (sum of its weights' magnitudes). */
  readonly relevance: ArrayLike<number>;
  /** Beyond so many standard deviations the model does not tell one input from another. */
  readonly inputLimit: number;
}

/** One feature that has drifted. */
interface DriftedFeature {
  readonly name: string;
  /** Shift of the mean in standard deviations, each input counted up to the clip. */
  readonly shift: number;
  /** Share of inputs beyond what the network distinguishes. */
  readonly beyondShare: number;
  readonly unknownShare: number;
}

/** How fast the record of what used to be known follows, per complete bucket. */
const RECORD_RATE = 0.02;
const BUCKETS = 5;

/**
 * Watches rows of raw inputs (one per server and refresh) over a sliding window.
 *
 * It must not cry at what happens every day: twice the load moves load features by one or two standard deviations, one
 * server that fails is one row among many. So a feature has drifted only when most rows are beyond the network's input
 * limit (where its hidden layer no longer tells one input from another) *and* their mean is far off: a unit that changed,
 * infinities, a metric stuck at a hundred times its value. An unknown input (NaN) is the mean to the model and does no harm
 * where it always was unknown; it counts as drift where the feature used to be known. A unit that became smaller moves
 * inputs to a little below the mean and is not seen here; the guardrail's comparison would see the harm.
 *
 * Constant features have no scale of their own in training; theirs is at least a share of the mean, so that a capacity of 10
 * that becomes 11 is no event. Features that the model does not heed are not looked at.
 */
export class DriftWatch {
  readonly #options: DriftOptions;
  readonly #training: TrainingInputs;
  readonly #heeded: readonly number[];
  readonly #scale: Float64Array;
  // By bucket of the window and feature:
  readonly #inputs: Float64Array;
  readonly #unknown: Float64Array;
  readonly #beyond: Float64Array;
  readonly #shift: Float64Array;
  /** By feature: share of inputs that used to be known before the window; NaN before the first bucket. */
  readonly #knownRecord: Float64Array;
  #bucket = 0;
  #bucketEndMs = Number.NaN;

  /** @throws RangeError when the lists have different lengths. */
  constructor(training: TrainingInputs, options: DriftOptions) {
    const n = training.names.length;
    for (const name of ["mean", "scale", "relevance"] as const) {
      const length = training[name].length;
      if (length !== n) throw new RangeError(`${n} features but ${length} values of ${name}`);
    }
    this.#options = options;
    this.#training = training;
    this.#scale = Float64Array.from({ length: n }, (_, i) =>
      Math.max(training.scale[i], options.leastRelativeScale * Math.abs(training.mean[i]), options.leastScale),
    );
    const least = options.leastRelevance * Math.max(...Array.from(training.relevance));
    this.#heeded = training.names.flatMap((_, i) => (training.relevance[i] >= least ? [i] : []));
    this.#inputs = new Float64Array(BUCKETS * n);
    this.#unknown = new Float64Array(BUCKETS * n);
    this.#beyond = new Float64Array(BUCKETS * n);
    this.#shift = new Float64Array(BUCKETS * n);
    this.#knownRecord = new Float64Array(n).fill(Number.NaN);
  }

  /** Takes in one row: raw inputs of one server, in the order of the names. NaN = unknown. */
  observe(row: ArrayLike<number>, nowMs: number): void {
    this.#advance(nowMs);
    const { clip } = this.#options;
    const { names, mean, inputLimit } = this.#training;
    const base = this.#bucket * names.length;
    for (const i of this.#heeded) {
      const at = base + i;
      this.#inputs[at]++;
      if (Number.isNaN(row[i])) {
        this.#unknown[at]++;
        continue;
      }
      const z = (row[i] - mean[i]) / this.#scale[i];
      if (Math.abs(z) > inputLimit) this.#beyond[at]++;
      this.#shift[at] += Math.max(-clip, Math.min(clip, z));
    }
  }

  /** In what the inputs of the window that ends now have drifted; `undefined` = in nothing. */
  finding(nowMs: number): Finding | undefined {
    this.#advance(nowMs);
    const drifted = this.#heeded.flatMap((i) => this.#judge(i) ?? []);
    if (drifted.length === 0) return undefined;
    const numbers: Record<string, number> = {};
    for (const { name, shift, beyondShare, unknownShare } of drifted) {
      numbers[`shift_${name}`] = shift;
      numbers[`beyond_${name}`] = beyondShare;
      numbers[`unknown_${name}`] = unknownShare;
    }
    return failed(`inputs have drifted: ${drifted.map((feature) => this.#describe(feature)).join("; ")}`, numbers);
  }

  #describe({ name, shift, beyondShare, unknownShare }: DriftedFeature): string {
    if (unknownShare >= this.#options.unknownShare) {
      return `${name} used to be known and is unknown in ${percent(unknownShare)} of inputs`;
    }
    const beyond = `${percent(beyondShare)} of inputs beyond ${this.#training.inputLimit} σ`;
    return `${name} is ${shift.toFixed(1)} σ off its training mean, ${beyond}`;
  }

  #judge(feature: number): DriftedFeature | undefined {
    const { leastInputs, shift: most, beyondShare: share, unknownShare, knownShare } = this.#options;
    const n = this.#training.names.length;
    let inputs = 0;
    let unknown = 0;
    let beyond = 0;
    let shift = 0;
    for (let at = feature; at < BUCKETS * n; at += n) {
      inputs += this.#inputs[at];
      unknown += this.#unknown[at];
      beyond += this.#beyond[at];
      shift += this.#shift[at];
    }
    if (inputs < leastInputs) return undefined;
    const known = inputs - unknown;
    const found: DriftedFeature = {
      name: this.#training.names[feature],
      shift: known === 0 ? 0 : shift / known,
      beyondShare: known === 0 ? 0 : beyond / known,
      unknownShare: unknown / inputs,
    };
    const lost = found.unknownShare >= unknownShare && this.#knownRecord[feature] > knownShare;
    // Of what is known, so much must be there that it is not one server's trouble.
    const garbage = known >= leastInputs / 2 && Math.abs(found.shift) >= most && found.beyondShare >= share;
    return lost || garbage ? found : undefined;
  }

  #advance(nowMs: number): void {
    const bucketMs = this.#options.windowMs / BUCKETS;
    if (Number.isNaN(this.#bucketEndMs)) this.#bucketEndMs = nowMs + bucketMs;
    for (let turned = 0; nowMs >= this.#bucketEndMs; turned++) {
      if (turned === BUCKETS) {
        this.#bucketEndMs = nowMs + bucketMs; // the whole window is old
        return;
      }
      this.#bucketEndMs += bucketMs;
      this.#bucket = (this.#bucket + 1) % BUCKETS;
      this.#forgetOldest();
    }
  }

  /** The bucket that leaves the window becomes part of the record of what used to be known. */
  #forgetOldest(): void {
    const n = this.#training.names.length;
    for (let i = 0, at = this.#bucket * n; i < n; i++, at++) {
      if (this.#inputs[at] > 0) {
        const known = 1 - this.#unknown[at] / this.#inputs[at];
        const record = this.#knownRecord[i];
        this.#knownRecord[i] = Number.isNaN(record) ? known : record + RECORD_RATE * (known - record);
      }
      this.#inputs[at] = 0;
      this.#unknown[at] = 0;
      this.#beyond[at] = 0;
      this.#shift[at] = 0;
    }
  }
}
