/** What features are made from: an attempt that ended. */
export interface Outcome {
  readonly slot: number;
  readonly serverId: number;
  readonly latencyMs: number;
  /** The server failed it. */
  readonly failed: boolean;
  /** At the server when the attempt was placed, without it. */
  readonly inFlight: number;
  /** When it ended, boot clock, milliseconds. */
  readonly atMs: number;
  /** Left out where no classes of requests are told apart. */
  readonly work?: OutcomeWork;
}

/** What is known of a request's class and work. */
export interface OutcomeWork {
  /** Hash of its template; 0 = its response says nothing of what such requests cost. */
  readonly template: number;
  /** The same with any last segment; 0 = there is none. */
  readonly parentTemplate: number;
  /** What it was expected to cost when it was placed, and each of those that were there, in mean requests, > 0. */
  readonly own: number;
  readonly others: number;
}
