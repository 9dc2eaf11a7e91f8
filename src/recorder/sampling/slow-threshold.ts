/** From which duration on a request counts as slow where nobody has said it: the slowest hundredth of late are. */
import { historyBucketCount, historyQuantileMs } from "../../shared/history-buckets.ts";

const QUANTILE = 0.99;
/** What a second counts for, a second later: half as much after 23. */
const FADING = 0.97;
/** With fewer requests nobody can say. */
const LEAST_REQUESTS = 200;

export class SlowThreshold {
  readonly #histogram = new Float64Array(historyBucketCount);

  /** Requests of a second, by duration. */
  add(durations: Float64Array): void {
    for (let i = 0; i < historyBucketCount; i++) {
      this.#histogram[i] = this.#histogram[i] * FADING + durations[i];
    }
  }

  /** Milliseconds; 0 = not known. */
  get slowMs(): number {
    const requests = this.#histogram.reduce((sum, n) => sum + n, 0);
    return requests < LEAST_REQUESTS ? 0 : historyQuantileMs(this.#histogram, QUANTILE);
  }
}
