/** The streams of one connection: those that there are, and what is remembered of those that were. */
import { SpareStreams } from "../../http2/spare-streams.ts";
import { StreamTable } from "../../http2/stream-table.ts";
import { Http2Stream } from "./stream.ts";

/** So many streams that ended last are remembered at most; of older ones it is supposed that their clients know. */
const REMEMBERED = 64;
/** And of a connection that has had hardly any, this is enough. Both are powers of two. */
const FIRST_REMEMBERED = 8;

/** Of all clients of a worker. */
const spareStreams = new SpareStreams(() => new Http2Stream());

/** One connection's. */
export class KnownStreams {
  readonly open = new StreamTable<Http2Stream>();
  /** The highest number that the client has used. */
  lastId = 0;
  /** The highest number that it used when it was too late: streams up to here are not served, what comes for them is read over. */
  lateId = 0;
  /** Requests so far. */
  requests = 0;
  /**
   * Which streams ended last: a ring, whose memory comes with them. Numbers of those that the client has ended are negative:
   * what still comes for them is its mistake, what comes for the others may have been on its way (RFC 9113 section 5.1).
   */
  #ended: Int32Array | null = null;
  #next = 0;
  /** Those that are over since the turn of the loop began, and serve other requests then: a chain, as in `StreamTable`. */
  #spare: Http2Stream | null = null;

  /** A stream with this number is there, or was. */
  isBegun(streamId: number): boolean {
    return (streamId & 1) === 1 && streamId <= Math.max(this.lastId, this.lateId);
  }

  /** One that is to be opened. */
  take(): Http2Stream {
    return spareStreams.take();
  }

  /** A stream that was open is over. @param byClient as for `end`. */
  close(stream: Http2Stream, byClient: boolean): void {
    this.end(stream.id, byClient);
    if (!stream.isSpare) return;
    stream.nextListed = this.#spare;
    this.#spare = stream;
  }

  /** The turn of the loop is over: nobody is in the middle of anything. */
  endTurn(): void {
    for (let stream = this.#spare; stream !== null; stream = this.#spare) {
      this.#spare = stream.nextListed;
      stream.nextListed = null;
      stream.rest();
      spareStreams.putAway(stream);
    }
  }

  /** It is over. @param byClient the client had said that it sends nothing more. */
  end(streamId: number, byClient: boolean): void {
    this.open.delete(streamId);
    this.#ended ??= new Int32Array(FIRST_REMEMBERED);
    if (this.#next === this.#ended.length) this.#comeRound(this.#ended);
    this.#ended[this.#next++] = byClient ? -streamId : streamId;
  }

  /** There is no room behind the last: there will be, or those that have been there longest go. */
  #comeRound(ended: Int32Array): void {
    this.#next = ended.length % REMEMBERED;
    if (this.#next === 0) return;
    this.#ended = new Int32Array(ended.length * 2);
    this.#ended.set(ended);
  }

  /** Its client has reset it: what it sends on it from then on is its mistake. */
  endByReset(streamId: number): void {
    const at = this.#ended?.indexOf(streamId) ?? -1;
    if (this.#ended !== null && at >= 0) this.#ended[at] = -streamId;
  }

  /** It was ended by us, or never served, and its client may not have known. */
  wasEndedByUs(streamId: number): boolean {
    return streamId > this.lastId || (this.#ended?.includes(streamId) ?? false);
  }

  /** It was there a while ago. */
  wasOpen(streamId: number): boolean {
    return this.#ended !== null && (this.#ended.includes(streamId) || this.#ended.includes(-streamId));
  }
}
