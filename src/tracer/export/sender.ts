/** One try to hand spans to a collector. */

/** What came of a try. */
export type SendResult =
  /** It has them, but for those that it said it did not want. */
  | { readonly kind: "taken"; readonly rejectedSpans: number; readonly message: string }
  /** Not now: it may be tried again, after `afterMs` if the collector said so. */
  | { readonly kind: "later"; readonly afterMs: number | null; readonly reason: string }
  /** Never: trying again would change nothing. */
  | { readonly kind: "refused"; readonly reason: string };

/** By a protocol of OTLP. It never rejects, and keeps no try for longer than it was told. */
export interface Sender {
  /** @param request an `ExportTraceServiceRequest`. */
  send(request: Buffer, timeoutMs: number): Promise<SendResult>;
  close(): void;
}

/** The most that is read of a response: what a collector says is a few hundred bytes. */
export const MAX_RESPONSE_BYTES = 64 * 1024;
/** The longest that is waited because a collector says so. */
const MAX_WAIT_MS = 300_000;

/** A time to wait that somebody else named. @returns null when it is no time. */
export function waitOf(ms: number): number | null {
  return Number.isFinite(ms) && ms >= 0 ? Math.min(ms, MAX_WAIT_MS) : null;
}
