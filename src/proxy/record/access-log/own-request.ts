/** A request that is answered without an exchange, as its line has it: copied, for its answer may come later. */
import { Method } from "../../../shared/memory/series-table.ts";
import type { RequestHead } from "../../http1/head.ts";
import { type IdSource, TRACE_ID_DIGITS } from "../../rewrite/request-ids.ts";
import { type JoiningRequest, joinTrace, OWN_IDS_BYTES } from "../trace/join-trace.ts";
import { UNTRACED } from "../traced-request.ts";
import { findFields } from "./head-fields.ts";
import type { LoggedRequest } from "./logged.ts";

const NOTHING = Buffer.alloc(0);

/** Who asked, and over what. */
export interface OwnClient {
  readonly peer: {
    readonly addressBytes: Buffer;
    readonly trusted: boolean;
    readonly certificate: LoggedRequest["certificate"];
  };
  /** As `LoggedRequest` has them. */
  readonly protocol: Buffer;
  readonly tlsVersion: Buffer | null;
}

export class OwnRequest implements LoggedRequest, JoiningRequest {
  headBuffer = NOTHING;
  method: number = Method.OTHER;
  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  hostStart = 0;
  hostEnd = 0;
  userAgentStart = 0;
  userAgentEnd = 0;
  refererStart = 0;
  refererEnd = 0;
  protocol: Buffer | null = null;
  readonly tlsVersion: Buffer | null;
  readonly ids = Buffer.alloc(OWN_IDS_BYTES);
  readonly requestIdBuffer = this.ids;
  readonly requestIdStart = 0;
  readonly requestIdEnd: number;
  traced = UNTRACED.traced;
  sampled = UNTRACED.sampled;
  sampledFlag = UNTRACED.sampledFlag;
  traceIdBuffer = UNTRACED.traceIdBuffer;
  traceIdStart = UNTRACED.traceIdStart;
  spanIdBuffer = UNTRACED.spanIdBuffer;
  spanIdStart = UNTRACED.spanIdStart;
  parentIdStart = -1;
  clientAddress: Buffer;
  readonly certificate: LoggedRequest["certificate"];
  readonly limitedBy = null;
  readonly labels = null;
  /** Monotonic milliseconds. */
  readonly startedMs: number;

  constructor(client: OwnClient, requestId: string, startedMs: number) {
    this.tlsVersion = client.tlsVersion;
    this.requestIdEnd = this.ids.write(requestId, 0, TRACE_ID_DIGITS, "latin1");
    this.clientAddress = client.peer.addressBytes;
    this.certificate = client.peer.certificate;
    this.startedMs = startedMs;
  }

  /**
   * What its head says, which was parsed from `bytes[start …]`.
   * @param tracing `null` = it has no span: its line only has the client's trace.
   */
  read(
    { protocol, peer }: OwnClient,
    bytes: Buffer,
    start: number,
    head: RequestHead,
    tracing: Parameters<typeof joinTrace>[2],
    ids: IdSource,
  ): this {
    this.protocol = protocol;
    this.method = head.method;
    findFields(bytes, head, this);
    this.headBuffer = Buffer.from(bytes.subarray(start, head.headEnd));
    this.methodStart = head.methodStart - start;
    this.methodEnd = head.methodEnd - start;
    this.targetStart = head.targetStart - start;
    this.targetEnd = head.targetEnd - start;
    this.hostStart = head.hostStart - start;
    this.hostEnd = head.hostEnd - start;
    this.userAgentStart -= start;
    this.userAgentEnd -= start;
    this.refererStart -= start;
    this.refererEnd -= start;
    joinTrace(this, peer.trusted, tracing, ids, bytes, head);
    if (this.parentIdStart >= 0) {
      this.traceIdBuffer = this.headBuffer;
      this.traceIdStart -= start;
      this.parentIdStart -= start;
    }
    return this;
  }
}
