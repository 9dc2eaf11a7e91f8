/** A user of a leg that notes what it is told. */
import type { Failure } from "../../../../src/proxy/failure.ts";
import type { UpstreamContext } from "../../../../src/proxy/upstream/context.ts";
import type { UpstreamLeg, UpstreamUser } from "../../../../src/proxy/upstream/leg.ts";

/** What it noted of a head. */
export interface NotedHead {
  readonly status: number;
  readonly bodyKind: number;
  readonly contentLength: number;
}

/** Notes everything, in order, and answers nothing. */
export class LegUser implements UpstreamUser {
  readonly clientAddress = Buffer.alloc(0);
  /** `ready`, `failed …`, `head`, `data`, `end`, `broken`, `drain`, `deadline`. */
  readonly heard: string[] = [];
  readonly heads: NotedHead[] = [];
  /** The last head, as bytes. */
  headText = "";
  readonly #ctx: UpstreamContext;
  readonly #packets: Buffer[] = [];
  bytes = 0;

  /** @param ctx where response heads are parsed to. */
  constructor(ctx: UpstreamContext) {
    this.#ctx = ctx;
  }

  /** What came behind the last head. */
  get body(): string {
    return Buffer.concat(this.#packets).toString("latin1");
  }

  onUpstreamReady(): void {
    this.heard.push("ready");
  }
  onUpstreamFailed(_leg: UpstreamLeg, failure: Failure, nothingSent: boolean): void {
    this.heard.push(`failed ${failure.code}${nothingSent ? ", nothing sent" : ""}`);
  }
  onUpstreamHead(_leg: UpstreamLeg, buffer: Buffer, rest: Buffer, restStart: number): void {
    const { status, bodyKind, contentLength, start, headEnd } = this.#ctx.responseHead;
    this.heard.push("head");
    this.heads.push({ status, bodyKind, contentLength });
    this.headText = buffer.toString("latin1", start, headEnd);
    if (status >= 200 || status === 101) this.#take(rest.subarray(restStart));
  }
  onUpstreamData(_leg: UpstreamLeg, data: Buffer): void {
    this.heard.push("data");
    this.#take(data);
  }
  onUpstreamEnd(_leg: UpstreamLeg, broken: boolean): void {
    this.heard.push(broken ? "broken" : "end");
  }
  onUpstreamDrain(): void {
    this.heard.push("drain");
  }
  onUpstreamDeadline(): void {
    this.heard.push("deadline");
  }

  #take(data: Buffer): void {
    this.bytes += data.length;
    this.#packets.push(Buffer.from(data)); // it may be borrowed
  }
}
