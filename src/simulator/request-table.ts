/** The requests under way, as columns: a number is a request, and a finished one gives its number back. */
export class RequestTable {
  /** When it arrived at its balancer. */
  arrivedMs: Float64Array;
  /** When it was sent to its server. */
  sentMs: Float64Array;
  /** Milliseconds of service at speed 1. */
  work: Float64Array;
  /** Uniform in [0, 1): by it a server that is broken decides about the request. */
  luck: Float64Array;
  /** What it sticks to, for strategies that use it. */
  key: Uint32Array;
  server: Int32Array;
  /** Index into the scenario's kinds; 0 where there is one. */
  kind: Int32Array;
  /** What it and each of those that were there are expected to cost, in mean requests; 1 where no classes are told apart. */
  ownWork: Float64Array;
  othersWork: Float64Array;
  /** Id of the server: another may be in its place when the response comes. */
  serverId: Int32Array;
  balancer: Int32Array;
  /** What its balancer saw in flight at the server when it chose, this request not counted. */
  inFlightAtDispatch: Int32Array;
  /** 1 = it will fail without a response (refused, timed out), 2 = it will be answered with an error, 0 = neither. */
  fate: Uint8Array;
  /** The next in a queue, or in the list of free numbers; -1 = none. */
  next: Int32Array;
  #free = -1;
  #used = 0;

  constructor(capacity = 256) {
    this.arrivedMs = new Float64Array(capacity);
    this.sentMs = new Float64Array(capacity);
    this.work = new Float64Array(capacity);
    this.luck = new Float64Array(capacity);
    this.key = new Uint32Array(capacity);
    this.server = new Int32Array(capacity);
    this.kind = new Int32Array(capacity);
    this.ownWork = new Float64Array(capacity).fill(1);
    this.othersWork = new Float64Array(capacity).fill(1);
    this.serverId = new Int32Array(capacity);
    this.balancer = new Int32Array(capacity);
    this.inFlightAtDispatch = new Int32Array(capacity);
    this.fate = new Uint8Array(capacity);
    this.next = new Int32Array(capacity);
  }

  take(): number {
    const free = this.#free;
    if (free >= 0) {
      this.#free = this.next[free];
      this.next[free] = -1;
      return free;
    }
    if (this.#used === this.next.length) this.#grow();
    this.next[this.#used] = -1;
    return this.#used++;
  }

  give(request: number): void {
    this.next[request] = this.#free;
    this.#free = request;
  }

  #grow(): void {
    const length = this.next.length * 2;
    const enlarge = <T extends Float64Array | Int32Array | Uint32Array | Uint8Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.arrivedMs = enlarge(this.arrivedMs, new Float64Array(length));
    this.sentMs = enlarge(this.sentMs, new Float64Array(length));
    this.work = enlarge(this.work, new Float64Array(length));
    this.luck = enlarge(this.luck, new Float64Array(length));
    this.key = enlarge(this.key, new Uint32Array(length));
    this.server = enlarge(this.server, new Int32Array(length));
    this.kind = enlarge(this.kind, new Int32Array(length));
    this.ownWork = enlarge(this.ownWork, new Float64Array(length).fill(1));
    this.othersWork = enlarge(this.othersWork, new Float64Array(length).fill(1));
    this.serverId = enlarge(this.serverId, new Int32Array(length));
    this.balancer = enlarge(this.balancer, new Int32Array(length));
    this.inFlightAtDispatch = enlarge(this.inFlightAtDispatch, new Int32Array(length));
    this.fate = enlarge(this.fate, new Uint8Array(length));
    this.next = enlarge(this.next, new Int32Array(length));
  }
}
