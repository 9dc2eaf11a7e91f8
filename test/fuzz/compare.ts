/**
 * What we pass on, llhttp must accept as the same messages. We may refuse more, and do. Where it refuses what we accept
 * on purpose, or reads no further, the reason is in `DELIBERATE`; that excuses no difference in what both read.
 */
import type { PeerStream } from "./llhttp.ts";
import type { Message, Stream } from "./read-stream.ts";

interface Difference {
  readonly why: string;
  readonly applies: (ours: Stream, theirs: PeerStream) => boolean;
}

/** What we read where llhttp stopped. */
const refused = (ours: Stream, theirs: PeerStream): Message | undefined => ours.messages[theirs.messages.length];

const hasField = (message: Message | undefined, name: string): boolean =>
  message?.fields.some((text, i) => i % 2 === 0 && text.toLowerCase() === name) ?? false;

export const DELIBERATE: readonly Difference[] = [
  {
    why: "RFC 9110 section 9.1: methods are an open set. llhttp knows a fixed list; we pass any token of 32 bytes on.",
    applies: (ours, theirs) => theirs.failure === "HPE_INVALID_METHOD" && refused(ours, theirs) !== undefined,
  },
  {
    why: "Proxy-Connection is not in any standard, and we drop it. llhttp obeys it as if it were Connection.",
    applies: (_ours, { messages, failure }) =>
      hasField(messages.at(-1), "proxy-connection") &&
      (messages.at(-1)?.keepAlive === false || failure === "HPE_CLOSED_CONNECTION"),
  },
  {
    why: "RFC 9110 section 7.8: Upgrade in HTTP/1.0 must be ignored, and h2c may be. llhttp stops reading at either.",
    applies: (ours, { messages, failure }) =>
      failure === null && hasField(messages.at(-1), "upgrade") && ours.messages.length > messages.length,
  },
  {
    why: "RFC 9110 section 5.5 lets a recipient keep control characters but CR, LF and NUL; servers send them, nginx and HAProxy pass them on.",
    applies: (ours, { failure, messages }) =>
      failure === "HPE_INVALID_HEADER_TOKEN" &&
      (refused(ours, { failure, messages })?.fields.some((text, i) => i % 2 === 1 && CONTROLS.test(text)) ?? false),
  },
];

const CONTROLS = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** The same for trailers, which come behind the same data. */
function hasControlsInTrailers(a: Message, b: Message, { failure }: PeerStream): boolean {
  return failure === "HPE_INVALID_HEADER_TOKEN" && a.body === b.body && CONTROLS.test(a.raw ?? "");
}

/** @returns what differs, as a sentence, or null. */
export function difference(ours: Stream, theirs: PeerStream): string | null {
  const deliberate = () => DELIBERATE.some(({ applies }) => applies(ours, theirs));
  for (let i = 0; i < ours.messages.length; i++) {
    const a = ours.messages[i];
    const b = theirs.messages[i];
    if (b === undefined) {
      // A body that we refuse may be refused together with its head.
      if ((typeof ours.verdict === "number" && i === ours.messages.length - 1) || deliberate()) return null;
      return `we read ${a.start}, llhttp says ${theirs.failure ?? "that it is unfinished"}`;
    }
    if (a.start !== b.start) return `start line: ${a.start} against ${b.start}`;
    if (JSON.stringify(a.fields) !== JSON.stringify(b.fields)) return `fields of ${a.start}`;
    if (a.complete && !b.complete && !hasControlsInTrailers(a, b, theirs))
      return `${a.start} is complete, llhttp says ${theirs.failure ?? "unfinished"}`;
    if (!a.complete && b.complete && ours.verdict === "more") return `${a.start} is unfinished, llhttp has all of it`;
    if (a.complete && a.body !== b.body) return `body of ${a.start}`;
    if (!a.complete && ours.verdict === "more" && a.body !== b.body) return `first part of the body of ${a.start}`;
    if (a.complete && a.keepAlive && !b.keepAlive && !deliberate()) {
      return `${a.start} keeps the connection, llhttp closes it`;
    }
  }
  // What follows is refused or not read by us: llhttp may be laxer.
  if (typeof ours.verdict === "number" || ours.verdict === "closed") return null;
  if (theirs.messages.length > ours.messages.length) return `llhttp reads ${theirs.messages.length} messages`;
  if (ours.verdict === "end" && theirs.failure !== null && !deliberate())
    return `llhttp says ${theirs.failure} after the last message`;
  return null;
}
