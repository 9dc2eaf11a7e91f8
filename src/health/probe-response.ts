/**
 * Reads the answer to a probe: as much of HTTP/1.1 (RFC 9112) as a check needs. It trusts nothing and forwards nothing,
 * so unlike the proxy's parser it may stop as soon as it knows enough.
 */
import { inRange, USAGE_PERCENT } from "../shared/ranges.ts";

/** What has been understood of an answer so far. */
export interface ProbeAnswer {
  /** Final status; 1xx are skipped. */
  readonly status: number;
  /** The body, undecoded by any content coding; `undefined` while it is incomplete. */
  readonly body: string | undefined;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/**
 * @param bytes all bytes received so far; @param ended whether the server closed its side.
 * @returns the answer once its head is complete, `undefined` before that, or a sentence that says what is wrong.
 */
export function readProbeAnswer(bytes: Buffer, ended: boolean): ProbeAnswer | string | undefined {
  let from = 0;
  for (;;) {
    const end = bytes.indexOf(HEAD_END, from);
    if (end < 0) return ended ? "closed before a complete answer" : undefined;
    const head = bytes.toString("latin1", from, end);
    const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |\r|$)/.exec(head);
    if (match === null) return "answer is not HTTP/1.1";
    const status = Number(match[1]);
    from = end + HEAD_END.length;
    if (status >= 200) return { status, body: readBody(head, bytes.subarray(from), ended) };
    if (status === 101) return "answered with a protocol upgrade";
  }
}

function readBody(head: string, body: Buffer, ended: boolean): string | undefined {
  if (/^transfer-encoding:.*\bchunked[ \t]*$/im.test(head)) return readChunks(body);
  const length = /^content-length:[ \t]*([0-9]{1,15})[ \t]*$/im.exec(head);
  if (length === null) return ended ? body.toString("utf8") : undefined;
  const size = Number(length[1]);
  return body.length >= size ? body.toString("utf8", 0, size) : undefined;
}

function readChunks(body: Buffer): string | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    if (!(size >= 0)) return undefined;
    if (size === 0) return Buffer.concat(parts).toString("utf8");
    const start = lineEnd + 2;
    if (body.length < start + size + 2) return undefined;
    parts.push(body.subarray(start, start + size));
    at = start + size + 2;
  }
}

/** CPU and memory usage of a server, percent; NaN = unknown. */
export interface Usage {
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

/** Nothing is known: the neutral value. */
export const UNKNOWN_USAGE: Usage = Object.freeze({ cpuPercent: Number.NaN, memoryPercent: Number.NaN });

/**
 * Reads the contract's `{"cpu_usage":12.5,"memory_usage":40.1}`. Whatever is not that is unknown, never an error.
 * @param onIgnored told of each number that is there and cannot be true.
 */
export function readUsage(body: string, onIgnored: () => void = () => {}): Usage {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== "object" || json === null) return UNKNOWN_USAGE;
    const { cpu_usage, memory_usage } = json as Record<string, unknown>;
    return { cpuPercent: percent(cpu_usage, onIgnored), memoryPercent: percent(memory_usage, onIgnored) };
  } catch {
    return UNKNOWN_USAGE; // Prometheus text, most likely
  }
}

function percent(value: unknown, onIgnored: () => void): number {
  if (inRange(value, USAGE_PERCENT)) return Math.min(value + 0, 100); // -0 becomes 0
  if (value !== undefined && value !== null) onIgnored();
  return Number.NaN;
}
