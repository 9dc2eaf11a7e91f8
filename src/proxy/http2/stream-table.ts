/**
 * The streams of one connection, by number. They are links of chains themselves, so that a stream comes and goes without memory
 * for it; and numbers of a connection only grow, so that hardly two streams meet in a chain.
 */

/** Chains at first; a power of two. */
const FIRST_CHAINS = 4;

/** A stream, as its table sees it. */
export interface Listed<S> {
  readonly id: number;
  /** The next one of its chain: the table's. */
  nextListed: S | null;
}

/** One connection's. While it is empty it has hardly any memory. */
export class StreamTable<S extends Listed<S>> {
  #chains: (S | null)[] | null = null;
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The stream with this number; null = there is none. */
  get(id: number): S | null {
    const chains = this.#chains;
    if (chains === null) return null;
    let stream = chains[placeOf(id, chains.length)];
    while (stream !== null && stream.id !== id) stream = stream.nextListed;
    return stream;
  }

  /** Adds a stream whose number none of them has. */
  add(stream: S): void {
    this.#chains ??= emptyChains(FIRST_CHAINS);
    if (this.#size === this.#chains.length) this.#grow(this.#chains);
    this.#size++;
    link(this.#chains, stream);
  }

  /** @returns whether it was there. */
  delete(id: number): boolean {
    const chains = this.#chains;
    if (chains === null) return false;
    const place = placeOf(id, chains.length);
    let before: S | null = null;
    let stream = chains[place];
    while (stream !== null && stream.id !== id) {
      before = stream;
      stream = stream.nextListed;
    }
    if (stream === null) return false;
    if (before === null) chains[place] = stream.nextListed;
    else before.nextListed = stream.nextListed;
    stream.nextListed = null;
    if (--this.#size === 0 && chains.length > FIRST_CHAINS) this.#chains = null;
    return true;
  }

  /** Those that are there now, in the order of their numbers; they may go while one goes through the list. */
  all(): S[] {
    const all: S[] = [];
    for (let stream of this.#chains ?? []) {
      for (; stream !== null; stream = stream.nextListed) all.push(stream);
    }
    return all.sort((a, b) => a.id - b.id);
  }

  #grow(chains: readonly (S | null)[]): void {
    const grown = emptyChains<S>(chains.length * 2);
    for (const stream of this.all()) link(grown, stream);
    this.#chains = grown;
  }
}

/** Numbers of one side are all odd, or all even. */
function placeOf(id: number, chains: number): number {
  return (id >>> 1) & (chains - 1);
}

function link<S extends Listed<S>>(chains: (S | null)[], stream: S): void {
  const place = placeOf(stream.id, chains.length);
  stream.nextListed = chains[place];
  chains[place] = stream;
}

function emptyChains<S>(count: number): (S | null)[] {
  return new Array<S | null>(count).fill(null);
}
