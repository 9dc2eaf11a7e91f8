/**
 * A stage between a response and the client that gets it compressed: it takes the place of the server's head with one that
 * says so, and of the body's bytes with what they come to. Whatever stands behind it sees a server that compresses.
 */
import { WorkerCounter } from "../../shared/memory/layout/worker-counters.ts";
import { CompressedBody } from "../compress/compressed-body.ts";
import { Encoder } from "../compress/encoder.ts";
import { BodyLength, compressedHead } from "../compress/head.ts";
import type { CompressionPlan, CompressionRules } from "../compress/plan.ts";
import { BodyKind } from "../http1/head.ts";
import { parseResponseHead } from "../http1/response-parser.ts";
import type { ExchangeContext } from "./context.ts";
import type { ProxiedRequest } from "./request.ts";

/** One response that is compressed, or whose head says at least that it might have been. */
export class CompressedResponse {
  readonly #ctx: ExchangeContext;
  readonly #request: ProxiedRequest;
  readonly #plan: CompressionPlan;
  /** `null`: the body, if there is one, is sent as it is. */
  readonly #body: CompressedBody | null;

  private constructor(
    ctx: ExchangeContext,
    request: ProxiedRequest,
    plan: CompressionPlan,
    body: CompressedBody | null,
  ) {
    this.#ctx = ctx;
    this.#request = request;
    this.#plan = plan;
    this.#body = body;
  }

  /**
   * For the response whose head is in `ctx.responseHead`, parsed from `head`.
   * @returns `null` when it has nothing to do with compression.
   */
  static of(
    ctx: ExchangeContext,
    request: ProxiedRequest,
    rules: CompressionRules,
    head: Buffer,
  ): CompressedResponse | null {
    const { responseHead, counters } = ctx;
    const plan = rules.planFor(request.parsedHead(), request.headBuffer, responseHead, head);
    if (plan === null) return null;
    if (plan.encoding === null || responseHead.bodyKind === BodyKind.NONE) {
      return new CompressedResponse(ctx, request, plan, null);
    }
    const encoder = Encoder.open(plan.encoding);
    if (encoder === null) {
      counters[WorkerCounter.COMPRESSION_SKIPPED]++;
      return new CompressedResponse(ctx, request, { encoding: null }, null);
    }
    counters[WorkerCounter.RESPONSES_COMPRESSED]++;
    return new CompressedResponse(ctx, request, plan, new CompressedBody(encoder, request.client.takesChunks));
  }

  /** The body is compressed: its content is wanted, without the server's framing. */
  get compresses(): boolean {
    return this.#body !== null;
  }

  /** Bytes of the content that the client was sent. */
  get bytes(): number {
    return this.#body?.bytes ?? 0;
  }

  /** What the client has got so far shows that it is not all. */
  get showsCut(): boolean {
    return this.#body?.showsCut ?? false;
  }

  /**
   * As `Downstream.respond`, with what was read of the body.
   * @param done that was all of it. @param trailers what is behind it then; null = nothing.
   * @returns false when the client is gone.
   */
  respond(head: Buffer, content: Buffer, start: number, end: number, done: boolean, trailers: Buffer | null): boolean {
    const { client } = this.#request;
    const body = this.#body;
    if (body === null) {
      const complete = done && trailers === null;
      const sent = this.#send(head, BodyLength.NONE, content, start, end, complete);
      if (sent && done && !complete) client.endBody(trailers);
      return sent;
    }
    if (done && trailers === null) {
      const whole = body.whole(content, start, end);
      return this.#send(head, whole.length, whole, 0, whole.length, true);
    }
    const first = done ? body.last(content, start, end, trailers) : body.more(content, start, end);
    const sent = this.#send(head, BodyLength.CHUNKED, first, 0, first.length, false);
    if (sent && done) this.#endBody(trailers);
    return sent;
  }

  /**
   * More of the body, or its end, as in `respond`.
   * @returns false when the client is gone.
   */
  more(content: Buffer, start: number, end: number, done: boolean, trailers: Buffer | null): boolean {
    const body = this.#body;
    if (body === null) return true;
    const part = done ? body.last(content, start, end, trailers) : body.more(content, start, end);
    if (part.length > 0 && !this.#request.client.sendAway(part, 0, part.length)) return false;
    if (done) this.#endBody(trailers);
    return true;
  }

  /** The body is complete, of which the server said so behind it. */
  endBody(trailers: Buffer | null): void {
    const part = this.#body?.last(NOTHING, 0, 0, trailers) ?? NOTHING;
    if (part.length === 0 || this.#request.client.sendAway(part, 0, part.length)) this.#endBody(trailers);
  }

  /** It is over, whatever came of it. @param read bytes of its body, as the server sent it. */
  close(read: number): void {
    if (this.#body === null) return;
    this.#body.close();
    const { counters } = this.#ctx;
    counters[WorkerCounter.COMPRESSED_BYTES] += read;
    counters[WorkerCounter.COMPRESSED_BYTES_SENT] += this.#body.bytes;
  }

  #send(head: Buffer, length: number, body: Buffer, start: number, end: number, complete: boolean): boolean {
    const { responseHead } = this.#ctx;
    const { client, method, responseEdits } = this.#request;
    const bytes = compressedHead(responseHead, head, this.#plan, length);
    const limits = { maxHeadBytes: bytes.length + 1, maxFields: responseHead.ids.length };
    if (parseResponseHead(bytes, 0, bytes.length, responseHead, limits, method) !== bytes.length) {
      throw new Error("the head of a compressed response is none");
    }
    return client.respond(bytes, body, start, end, complete, responseEdits);
  }

  #endBody(trailers: Buffer | null): void {
    const { client } = this.#request;
    client.endBody(client.takesChunks ? null : trailers); // with chunks they are in them
  }
}

const NOTHING = Buffer.alloc(0);
