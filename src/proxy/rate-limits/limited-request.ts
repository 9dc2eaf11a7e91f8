/**
 * What limits make of one request; the object serves many, one after the other. All limits have to let it pass. They are asked in
 * turn; when one refuses, what the others had counted is taken back.
 */
import { KeyHash } from "../../shared/memory/rate-limits/half-sip-hash.ts";
import { type LimitCounts, Verdict } from "../../shared/memory/rate-limits/limit-counts.ts";
import { LimitCounter } from "../../shared/memory/rate-limits/limit-file.ts";
import type { RequestHead } from "../http1/head.ts";
import type { AppliedLimit, AppliedLimits } from "./applied-limits.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { LimitedHead } from "./request-key.ts";

/** When nobody can tell when there will be room, it is asked for again after so many seconds. */
const UNKNOWN_WAIT_SECONDS = 1;

/** The hash of the last key: used again for the next one. */
const hash = new KeyHash();

/** One exchange's. */
export class LimitedRequest {
  /** Where it is counted, by what: rates are for good once it has passed, places among requests at once are given back. */
  readonly #counts: LimitCounts[] = [];
  readonly #places: number[] = [];
  /** Which limit refused it, or would have, were it not for its dry run; `null` = none. */
  by: RateLimit | null = null;
  /** Lines for its response. */
  lines: Buffer | null = null;

  /**
   * May it pass?
   * @param nowMs the worker's clock.
   */
  admit(limits: AppliedLimits, request: LimitedHead, head: RequestHead, nowMs: number): boolean {
    const { all, shown } = limits;
    const bootMs = nowMs + limits.bootOffsetMs;
    const address = limits.asksAddress ? request.clientAddress.toString("latin1") : "";
    let items = "";
    for (let i = 0; i < all.length; i++) {
      const { limit, key } = all[i];
      if (limit.asksAddress && !this.#isLimited(limit, address)) continue;
      key.hash(request, head, hash);
      const { counts } = limit.kept;
      const verdict = this.#ask(limit, counts, bootMs);
      if (verdict === Verdict.REFUSED) {
        if (limit.spec.mode === "enforce") {
          this.#refuse(all[i], request, head, bootMs);
          return false;
        }
        limit.kept.part.counters[LimitCounter.WOULD_REFUSE]++;
        limit.kept.refused.add(hash, () => key.describe(request, head), bootMs);
        this.by ??= limit;
        continue;
      }
      limit.kept.part.counters[LimitCounter.ALLOWED]++;
      if (verdict !== Verdict.ALLOWED) continue;
      this.#counts.push(counts);
      this.#places.push(counts.place);
      if (!shown[i]) continue;
      if (items !== "") items += ", ";
      items += limit.item(counts.remaining, wholeSeconds(counts.waitMs));
    }
    if (items !== "") this.lines = Buffer.from(`${limits.policyLine}RateLimit: ${items}\r\n`, "latin1");
    return true;
  }

  /** It is over. */
  end(): void {
    const counts = this.#counts;
    for (let i = 0; i < counts.length; i++) if (counts[i].endsWithRequest) counts[i].giveBack(this.#places[i]);
    this.#forget();
    this.by = null;
    this.lines = null;
  }

  #isLimited(limit: RateLimit, address: string): boolean {
    if (!limit.isAbout(address)) return false;
    if (!limit.isExempt(address)) return true;
    limit.kept.part.counters[LimitCounter.EXEMPT]++;
    return false;
  }

  /** What the limit says; `NO_PLACE` = it passes without being counted. */
  #ask({ spec: { whenFull }, kept: { part } }: RateLimit, counts: LimitCounts, bootMs: number): Verdict {
    const verdict = counts.take(hash, bootMs, whenFull === "forget");
    if (counts.forgot) part.counters[LimitCounter.FORGOTTEN]++;
    if (verdict !== Verdict.NO_PLACE) return verdict;
    part.counters[LimitCounter.UNCOUNTED]++;
    return whenFull === "refuse" ? Verdict.REFUSED : Verdict.NO_PLACE;
  }

  #refuse({ limit, key }: AppliedLimit, request: LimitedHead, head: RequestHead, bootMs: number): void {
    const { counts, part, refused } = limit.kept;
    part.counters[LimitCounter.REFUSED]++;
    refused.add(hash, () => key.describe(request, head), bootMs);
    const seconds = wholeSeconds(counts.waitMs) || UNKNOWN_WAIT_SECONDS;
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i].giveBack(this.#places[i]);
    this.#forget();
    this.by = limit;
    this.lines = limit.refusalLines(seconds);
  }

  #forget(): void {
    this.#counts.length = 0;
    this.#places.length = 0;
  }
}

/** Rounded up, but for what is none of the clock's business. */
function wholeSeconds(ms: number): number {
  return Math.ceil((ms - 0.001) / 1000);
}
