/**
 * Streams that are over, of all connections of a worker: they serve the next requests. A busy worker would otherwise make and
 * forget two of them with each request.
 */

/** More are not needed after a wave of requests. */
const MOST = 256;

/** Those of one side. */
export class SpareStreams<S> {
  readonly #make: () => S;
  readonly #spare: S[] = [];

  /** @param make makes one when there is none left. */
  constructor(make: () => S) {
    this.#make = make;
  }

  /** One that nobody else has. */
  take(): S {
    return this.#spare.pop() ?? this.#make();
  }

  /** It is over, nobody refers to it any more, and nothing of its last request is left in it. */
  putAway(stream: S): void {
    if (this.#spare.length < MOST) this.#spare.push(stream);
  }
}
