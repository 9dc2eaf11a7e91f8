/** What a worker tells the learner of templates that are no class: what they are called, and who asks for them. */
import { TEMPLATE_BYTES, TEMPLATE_ROWS, TemplateWord } from "../../shared/memory/layout/classes.ts";
import type { Ring } from "../../shared/memory/layout/ring.ts";
import { RingWriter } from "../../shared/memory/ring.ts";
import type { PathTemplate } from "./path-template.ts";

/** At most one record in so many milliseconds: which of many templates it is, chance decides, and so it is the frequent ones. */
const EVERY_MS = 1;

/** A request whose template is told of. */
export interface TemplateRequest {
  /** Bytes that the path is in, from `routedStart` to `targetEnd`. */
  readonly headBuffer: Buffer;
  readonly routedStart: number;
  readonly targetEnd: number;
  /** Index into `METHODS`. */
  readonly method: number;
  /** Number of its route. */
  readonly route: number;
  /** It is a call of gRPC: nothing of its path is an id. */
  readonly grpc: boolean;
  readonly clientAddress: Buffer;
}

/** Writes the ring of one worker; all its pools share it. */
export class TemplateWriter {
  readonly #ring: RingWriter;
  readonly #bytes: Uint8Array;
  readonly #secret: number;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** @param secret as templates are hashed with. */
  constructor(ring: Ring, secret: number) {
    const { words } = ring;
    this.#ring = new RingWriter(ring, TEMPLATE_ROWS, TemplateWord.LENGTH);
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    this.#secret = secret;
  }

  /** Tells of the template that was read last, of a request to the pool in that row; or of none, when it has just told of one. */
  tell(template: PathTemplate, request: TemplateRequest, pool: number, nowMs: number): void {
    if (nowMs < this.#nextMs) return;
    this.#nextMs = nowMs + EVERY_MS;
    const { headBuffer, routedStart, targetEnd, grpc } = request;
    const { words } = this.#ring.ring;
    const at = this.#ring.next();
    words[at + TemplateWord.HASH] = template.hash;
    words[at + TemplateWord.PARENT] = template.parent;
    words[at + TemplateWord.POOL] = pool;
    words[at + TemplateWord.ROUTE] = request.route;
    words[at + TemplateWord.METHOD] = request.method;
    words[at + TemplateWord.CLIENT] = this.#hashOf(request.clientAddress);
    const from = (at + TemplateWord.TEXT) * Int32Array.BYTES_PER_ELEMENT;
    const text = this.#bytes.subarray(from, from + TEMPLATE_BYTES);
    words[at + TemplateWord.BYTES] = template.write(headBuffer, routedStart, targetEnd, grpc, text);
    this.#ring.commit();
  }

  #hashOf(address: Buffer): number {
    let hash = this.#secret;
    for (let i = 0; i < address.length; i++) hash = Math.imul(hash ^ address[i], 0x01000193);
    return hash;
  }
}
