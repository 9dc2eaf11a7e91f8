/**
 * A copy of one request, on its way to another pool. Its response is read and dropped; what remains is how it compares with
 * the request's own. The request knows it only to tell it of its response, and the copy may outlive the request.
 */

import { TraceAttemptKind } from "../../../shared/memory/layout/tracing.ts";
import { MirrorWord, mirrorBucket } from "../../../shared/memory/mirror-table.ts";
import { type Failure, Failures } from "../../failure.ts";
import { BodyReader } from "../../http1/body-reader.ts";
import { BodyKind } from "../../http1/head.ts";
import { HeadEdits } from "../../rewrite/edits.ts";
import type { MirrorTarget } from "../../routing/mirror-target.ts";
import type { UpstreamLeg } from "../../upstream/leg.ts";
import type { ExchangeContext } from "../context.ts";
import type { ProxiedRequest } from "../request.ts";
import { SideRequest } from "./side-request.ts";

/** Of longer response bodies the rest is not read: the connection is cut off. */
const MAX_RESPONSE_BYTES = 1024 * 1024;
/** So that the servers know that nobody gets what they answer. Clients' own fields of this name are not passed on. */
const MIRROR_LINE = Buffer.from("X-NeuraBalancer-Mirror: 1\r\n");

/** Who keeps mirrored requests. */
export interface MirrorOwner {
  /** It is over: the object may serve again. @param bytes that it held. */
  onMirrorOver(mirrored: MirroredRequest, bytes: number): void;
}

/** One copy; the object serves many, one after the other. */
export class MirroredRequest extends SideRequest {
  protected override readonly kind = TraceAttemptKind.MIRROR;
  protected override readonly isNeeded = false;
  readonly #owner: MirrorOwner;
  #target!: MirrorTarget;
  readonly #response = new BodyReader(true);
  /** The request is not over: it may still tell of its response. */
  #primaryOpen = false;
  /** Of final heads; 0 = none came. */
  #primaryStatus = 0;
  #primaryLatencyMs = 0;
  #status = 0;
  #latencyMs = 0;

  constructor(ctx: ExchangeContext, owner: MirrorOwner) {
    super(ctx);
    this.#owner = owner;
  }

  /** Bytes of it that are held. */
  get bytes(): number {
    return this.headBuffer.length + this.firstBody.length;
  }

  /** Sends a copy of `request`, of which everything is there. @returns false when no server takes it. */
  begin(request: ProxiedRequest, target: MirrorTarget, nowMs: number): boolean {
    const { wheel } = this.ctx;
    const { settings } = target.pool;
    this.#target = target;
    this.follow(request, target.pool);
    this.#copy(request);
    this.#primaryOpen = true;
    wheel.set(this, nowMs + settings.request.responseHeadTimeoutMs);
    if (this.ask(nowMs)) return true;
    this.clear();
    return false;
  }

  #copy(request: ProxiedRequest): void {
    const { headStart, headEnd, firstBodyStart, firstBodyEnd } = request;
    this.headBuffer = Buffer.from(request.headBuffer.subarray(headStart, headEnd));
    this.method = request.method;
    this.pathPrefix = request.pathPrefix;
    this.pathStart = request.pathStart - headStart;
    this.pathEnd = request.pathEnd - headStart;
    this.host = request.target.route.rules.host ?? this.#target.host;
    this.edits = HeadEdits.add(request.edits, MIRROR_LINE);
    this.idempotent = request.idempotent;
    this.body.kind = request.body.kind;
    if (firstBodyEnd > firstBodyStart) {
      this.firstBody = Buffer.from(request.firstBody.subarray(firstBodyStart, firstBodyEnd));
      this.firstBodyEnd = this.firstBody.length;
    }
  }

  // ── the request ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** The response to the request itself begins. */
  primaryAnswered(status: number, latencyMs: number): void {
    this.#primaryStatus = status;
    this.#primaryLatencyMs = latencyMs;
  }

  /** The request is over: nothing more is known of it. */
  primaryEnded(): void {
    this.#primaryOpen = false;
    if (!this.attempt.active) this.#compare();
  }

  // ── the copy ─────────────────────────────────────────────────────────────────────────────────────────────────────

  protected override onHead(_buffer: Buffer, rest: Buffer, restStart: number, nowMs: number): void {
    const { responseHead: head, wheel } = this.ctx;
    this.#status = head.status;
    this.#latencyMs = this.attempt.outcome.latencyMs;
    this.#response.begin(head.bodyKind, head.contentLength);
    wheel.set(this, nowMs + this.pool.settings.request.responseBodyTimeoutMs);
    this.#drop(rest, restStart, nowMs);
  }

  override onResponseData(_leg: UpstreamLeg, data: Buffer, nowMs: number): void {
    this.#drop(data, 0, nowMs);
  }

  #drop(data: Buffer, start: number, nowMs: number): void {
    const body = this.#response;
    const { leg } = this.attempt;
    const stop = body.consume(data, start, data.length);
    if (stop < 0) this.#over(false, Failures.BAD_RESPONSE, nowMs);
    else if (body.done) {
      // What nobody asked for would poison the next response.
      if (stop < data.length && leg !== null) leg.reusable = false;
      this.#over(leg !== null && leg.queuedBytes === 0 && !leg.gone, null, nowMs);
    } else if (body.bytes > MAX_RESPONSE_BYTES) this.#over(false, null, nowMs);
  }

  override onResponseEnd(_leg: UpstreamLeg, broken: boolean, nowMs: number): void {
    const proper = !broken && this.#response.kind === BodyKind.UNTIL_CLOSE;
    this.#over(false, proper ? null : Failures.RESPONSE_TRUNCATED, nowMs);
  }

  override onResponseSilent(): void {}

  /** So much was wanted of a response that goes on. */
  override onDeadline(nowMs: number): void {
    if (this.#status !== 0) this.#over(false, null, nowMs);
    else super.onDeadline(nowMs);
  }

  #over(complete: boolean, failure: Failure | null, nowMs: number): void {
    this.attempt.end(complete, failure, 0, nowMs);
    this.#ended(failure === null);
  }

  protected override onFailure(): void {
    this.#ended(false);
  }

  #ended(completed: boolean): void {
    this.#target.figures[completed ? MirrorWord.COMPLETED : MirrorWord.FAILED]++;
    this.ctx.wheel.remove(this);
    if (!this.#primaryOpen) this.#compare();
  }

  /** Both are over. */
  #compare(): void {
    const { figures } = this.#target;
    if (this.#status !== 0 && this.#primaryStatus !== 0) {
      figures[this.#status === this.#primaryStatus ? MirrorWord.SAME_STATUS : MirrorWord.OTHER_STATUS]++;
      figures[MirrorWord.PRIMARY_LATENCY_SUM_MS] += this.#primaryLatencyMs;
      figures[MirrorWord.MIRROR_LATENCY_SUM_MS] += this.#latencyMs;
      figures[MirrorWord.PRIMARY_LATENCY + mirrorBucket(this.#primaryLatencyMs)]++;
      figures[MirrorWord.MIRROR_LATENCY + mirrorBucket(this.#latencyMs)]++;
    }
    const { bytes } = this;
    this.clear();
    this.#owner.onMirrorOver(this, bytes);
  }

  /** Something threw in the middle of it: what it holds is given back. */
  abandon(nowMs: number): void {
    this.attempt.end(false, null, 0, nowMs);
    this.clear();
  }

  protected override clear(): void {
    super.clear();
    this.#primaryOpen = false;
    this.#primaryStatus = 0;
    this.#status = 0;
  }
}
