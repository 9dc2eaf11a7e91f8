/**
 * Mirroring: a share of a route's requests goes to another pool as well, once the request itself has been sent. It never
 * delays or fails the request: what can't be sent at once is not sent, and counted; and what goes wrong is nobody's error.
 */
import { MirrorWord } from "../../../shared/memory/mirror-table.ts";
import type { MirrorTarget } from "../../routing/mirror-target.ts";
import type { ExchangeContext } from "../context.ts";
import type { ProxiedRequest } from "../request.ts";
import { MirroredRequest, type MirrorOwner } from "./mirrored-request.ts";

/** Copies that may be under way in one worker. */
const MAX_UNDER_WAY = 256;
/** Bytes that they may hold together. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Longer bodies are not mirrored: to copy them would cost the request time. */
const MAX_BODY_BYTES = 256 * 1024;
/** Objects that are kept for the next ones. */
const MAX_IDLE = 32;

/** One worker's. */
export class Mirrors implements MirrorOwner {
  readonly #ctx: ExchangeContext;
  readonly #onInternalError: (error: unknown) => void;
  readonly #idle: MirroredRequest[] = [];
  #underWay = 0;
  #bytes = 0;

  constructor(ctx: ExchangeContext, onInternalError: (error: unknown) => void) {
    this.#ctx = ctx;
    this.#onInternalError = onInternalError;
  }

  /** Copies whose request or whose own response is not over. */
  get underWay(): number {
    return this.#underWay;
  }

  /**
   * `request` has been sent, as far as it has come: a copy follows it, if this is one of those that are mirrored.
   * @returns the copy that is under way; null = there is none.
   */
  mirror(request: ProxiedRequest, target: MirrorTarget, nowMs: number): MirroredRequest | null {
    const { random } = this.#ctx;
    if (target.share < 1 && random() >= target.share) return null;
    const reason = this.#reasonAgainst(request);
    if (reason >= 0) {
      target.figures[reason]++;
      return null;
    }
    const copy = this.#idle.pop() ?? new MirroredRequest(this.#ctx, this);
    try {
      if (!copy.begin(request, target, nowMs)) {
        target.figures[MirrorWord.SKIPPED_NO_SERVER]++;
        this.#keep(copy);
        return null;
      }
    } catch (error) {
      copy.abandon(nowMs);
      this.#onInternalError(error);
      return null;
    }
    this.#underWay++;
    this.#bytes += copy.bytes;
    return copy;
  }

  /** Why it can't be: a `MirrorWord`; -1 = it can. */
  #reasonAgainst({ upgrade, body, streamed, firstBodyStart, firstBodyEnd }: ProxiedRequest): number {
    const bytes = firstBodyEnd - firstBodyStart;
    if (upgrade) return MirrorWord.SKIPPED_UPGRADE;
    if (!body.done || streamed || bytes > MAX_BODY_BYTES) return MirrorWord.SKIPPED_BODY;
    if (this.#underWay >= MAX_UNDER_WAY || this.#bytes + bytes > MAX_BYTES) return MirrorWord.SKIPPED_BUSY;
    return -1;
  }

  onMirrorOver(mirrored: MirroredRequest, bytes: number): void {
    this.#underWay--;
    this.#bytes -= bytes;
    this.#keep(mirrored);
  }

  #keep(mirrored: MirroredRequest): void {
    if (this.#idle.length < MAX_IDLE) this.#idle.push(mirrored);
  }
}
