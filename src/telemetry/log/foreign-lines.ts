/**
 * What a process of ours prints on standard error beside its log: the runtime's last words, warnings of libraries. Each line
 * becomes a line of the log, without its colours, cut, and no more of them than somebody can read.
 */
import type { LogFields } from "./logger.ts";

/** Longer lines are cut there, in characters. */
const MOST_LINE = 2000;
/** In a minute; the last words of a runtime have some forty. */
const MOST_LINES = 100;
const MINUTE_MS = 60_000;

/** Who prints, and who is told. */
export interface ForeignLinesOptions {
  readonly log: { warn(fields: LogFields, message: string): void };
  /** `worker 3`: as sentences have it. */
  readonly name: string;
  /** On every line. */
  readonly fields: LogFields;
  /** Monotonic clock, milliseconds. */
  readonly clock: () => number;
}

/** Reads `stream` to its end. Never rejects. */
export async function logForeignLines(
  stream: AsyncIterable<Uint8Array>,
  { log, name, fields, clock }: ForeignLinesOptions,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  let sinceMs = clock();
  let said = 0;
  const say = (line: string): void => {
    const text = Bun.stripANSI(line).trimEnd();
    if (text === "") return;
    if (clock() - sinceMs >= MINUTE_MS) {
      if (said > MOST_LINES)
        log.warn({ ...fields, lines: said - MOST_LINES }, `${name} printed more, which is left out`);
      sinceMs = clock();
      said = 0;
    }
    if (++said <= MOST_LINES) log.warn({ ...fields, printed: text.slice(0, MOST_LINE) }, `${name} printed something`);
  };
  try {
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = (parts.pop() ?? "").slice(0, MOST_LINE);
      for (const part of parts) say(part);
    }
  } catch {
    // The process is gone, and with it what it had to say.
  }
  say(rest);
  if (said > MOST_LINES) log.warn({ ...fields, lines: said - MOST_LINES }, `${name} printed more, which is left out`);
}
