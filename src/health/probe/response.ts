/**
 * Reads the response to a probe: as much of HTTP/1.1 (RFC 9112) as a check needs. It trusts nothing and forwards nothing,
 * so unlike the proxy's parser it may stop as soon as it knows enough. Whoever answers may be hostile: bytes, packets and
 * interim responses are bounded, and no byte is looked at again because another one has come.
 */
import { inRange, USAGE_PERCENT } from "../../shared/ranges.ts";

/** Most bytes of a response that are looked at. */
const MAX_PROBE_BYTES = 64 * 1024;
/** Most packets of one response: each costs something, however little is in it. */
const MAX_PACKETS = 1_000;
/** Most interim responses (1xx) before the final one. */
const MAX_INTERIM = 8;
/** Longest line before a chunk. */
const MAX_CHUNK_LINE = 256;

/** A complete response. */
export interface ProbeReply {
  /** Final status; 1xx are skipped. */
  readonly status: number;
  /** The body, undecoded by any content coding; empty where it was not wanted. */
  readonly body: string;
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
/** What is said of a server that ended too early. */
export const INCOMPLETE = "closed before a complete answer";

/** Reads one response, packet by packet. */
export class ProbeReader {
  readonly #wantBody: boolean;
  /** Nothing behind it is of interest. */
  readonly #wanted: Buffer | null;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #packets = 0;
  #interim = 0;
  /** What is being read begins here: a head, the body, the line before a chunk, a chunk. */
  #at = 0;
  /** Up to here no end of it was found. */
  #searched = 0;
  /** Of the final response; 0 = its head is not complete. */
  #status = 0;
  #framing: "length" | "chunks" | "close" = "close";
  /** Bytes of the body, or of the present chunk; -1 = its line is not complete. */
  #size = -1;
  #chunks: Buffer[] = [];

  /**
   * @param wantBody read to the end of the body; otherwise the status is enough and a body without end does no harm. A text: to
   * where that is found, or as far as a body is looked at.
   */
  constructor(wantBody: boolean | string) {
    this.#wantBody = wantBody !== false;
    this.#wanted = typeof wantBody === "string" ? Buffer.from(wantBody) : null;
  }

  /** Takes what has come. @returns the response, a sentence that says what is wrong, or `undefined` when more is needed. */
  push(packet: Buffer): ProbeReply | string | undefined {
    if (++this.#packets > MAX_PACKETS) return `answer in more than ${MAX_PACKETS} packets`;
    this.#keep(packet);
    const found = this.#read();
    if (found === undefined && this.#wanted !== null && this.#status !== 0) {
      if (this.#framing !== "chunks" && this.#find(this.#wanted) >= 0) return this.#soFar();
      if (this.#length >= MAX_PROBE_BYTES) return this.#soFar();
    }
    if (found === undefined && this.#length >= MAX_PROBE_BYTES) {
      return `answer larger than ${MAX_PROBE_BYTES / 1024} KB`;
    }
    return found;
  }

  /** The server has closed its side. */
  end(): ProbeReply | string {
    if (this.#status === 0 || this.#framing !== "close") return INCOMPLETE;
    return this.#reply(this.#bytes.toString("utf8", this.#at, this.#length));
  }

  /** With as much of the body as has come. */
  #soFar(): ProbeReply {
    const rest = this.#framing === "chunks" && this.#size < 0 ? this.#length : this.#at;
    return this.#reply(Buffer.concat([...this.#chunks, this.#bytes.subarray(rest, this.#length)]).toString("utf8"));
  }

  #keep(packet: Buffer): void {
    if (this.#length === 0) {
      this.#bytes = packet;
      this.#length = Math.min(packet.length, MAX_PROBE_BYTES);
      return;
    }
    const length = Math.min(this.#length + packet.length, MAX_PROBE_BYTES);
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(Math.max(length, 2 * this.#bytes.length), MAX_PROBE_BYTES));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    packet.copy(this.#bytes, this.#length, 0, length - this.#length);
    this.#length = length;
  }

  #read(): ProbeReply | string | undefined {
    while (this.#status === 0) {
      const end = this.#find(HEAD_END);
      if (end < 0) return undefined;
      const wrong = this.#readHead(this.#bytes.toString("latin1", this.#at, end));
      if (wrong !== undefined) return wrong;
      this.#begin(end + HEAD_END.length);
    }
    if (!this.#wantBody) return this.#reply("");
    if (this.#framing === "chunks") return this.#readChunks();
    if (this.#framing === "close" || this.#length - this.#at < this.#size) return undefined;
    return this.#reply(this.#bytes.toString("utf8", this.#at, this.#at + this.#size));
  }

  #readHead(head: string): string | undefined {
    const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |\r|$)/.exec(head);
    if (match === null) return "answer is not HTTP/1.1";
    const status = Number(match[1]);
    if (status === 101) return "answered with a protocol upgrade";
    if (status < 200) return ++this.#interim > MAX_INTERIM ? `more than ${MAX_INTERIM} interim answers` : undefined;
    this.#status = status;
    if (!this.#wantBody) return undefined;
    if (/^transfer-encoding:.*\bchunked[ \t]*$/im.test(head)) this.#framing = "chunks";
    else {
      const length = /^content-length:[ \t]*([0-9]{1,15})[ \t]*$/im.exec(head);
      if (length === null) return undefined;
      this.#framing = "length";
      this.#size = Number(length[1]);
    }
    return undefined;
  }

  #readChunks(): ProbeReply | string | undefined {
    for (;;) {
      if (this.#size < 0) {
        const end = this.#find(LINE_END);
        if ((end < 0 ? this.#length : end) - this.#at > MAX_CHUNK_LINE) return "answer has a malformed chunk";
        if (end < 0) return undefined;
        const size = /^([0-9a-f]{1,8})[ \t]*(?:;|$)/i.exec(this.#bytes.toString("latin1", this.#at, end));
        if (size === null) return "answer has a malformed chunk";
        this.#size = Number.parseInt(size[1], 16);
        this.#begin(end + LINE_END.length);
      }
      if (this.#size === 0) return this.#reply(Buffer.concat(this.#chunks).toString("utf8"));
      if (this.#length - this.#at < this.#size + LINE_END.length) return undefined;
      this.#chunks.push(this.#bytes.subarray(this.#at, this.#at + this.#size));
      this.#begin(this.#at + this.#size + LINE_END.length);
      this.#size = -1;
    }
  }

  /** Where `mark` begins; -1 = it has not come yet. */
  #find(mark: Buffer): number {
    // A view that ends with what has come: the memory behind it was never written.
    const end = this.#bytes.subarray(0, this.#length).indexOf(mark, this.#searched);
    if (end < 0) this.#searched = Math.max(this.#at, this.#length - mark.length + 1);
    return end;
  }

  #begin(at: number): void {
    this.#at = at;
    this.#searched = at;
  }

  #reply(body: string): ProbeReply {
    return { status: this.#status, body: this.#wantBody ? body : "" };
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
 * Reads the contract's `{"cpu_usage":12.5,"memory_usage":40.1}`; a number that is none is unknown.
 * @param onIgnored told of each number that is there and cannot be true.
 * @returns null for whatever is not that: it is no error, the server offers something else.
 */
export function readUsage(body: string, onIgnored: () => void = () => {}): Usage | null {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== "object" || json === null) return null;
    const { cpu_usage, memory_usage } = json as Record<string, unknown>;
    if (cpu_usage === undefined && memory_usage === undefined) return null;
    return { cpuPercent: percent(cpu_usage, onIgnored), memoryPercent: percent(memory_usage, onIgnored) };
  } catch {
    return null; // Prometheus text, most likely
  }
}

function percent(value: unknown, onIgnored: () => void): number {
  if (inRange(value, USAGE_PERCENT)) return Math.min(value + 0, 100); // -0 becomes 0
  if (value !== undefined && value !== null) onIgnored();
  return Number.NaN;
}
