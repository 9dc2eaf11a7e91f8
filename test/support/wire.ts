/**
 * One end of a raw connection in tests: bytes go out in the packets that the test chooses, and what comes in is kept
 * and read as HTTP messages by a reader that shares no code with the product.
 */
import { readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { DEADLINE_MS } from "./until.ts";

const CRLF_CRLF = Buffer.from("\r\n\r\n");

/** A message as it came over the wire. Values are latin1 strings, one character per byte. */
export interface WireMessage {
  /** Request line or status line, without its CRLF. */
  readonly startLine: string;
  /** Names as written, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The whole head as it came, with its blank line. */
  readonly head: string;
  readonly body: Buffer;
  /** The body as it came, with chunk framing. */
  readonly rawBody: Buffer;
  readonly trailers: string;
  /** Status of a response; NaN for a request. */
  readonly status: number;
}

export interface ReadOptions {
  /** The response answers a HEAD request, or is otherwise known to have no body. */
  readonly noBody?: boolean;
}

/** The values of all fields of that name, in order. */
export function valuesOf(message: WireMessage, name: string): string[] {
  return message.fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}

/** The only value of that name; undefined when there is none. Throws when there are several. */
export function singleValue(message: WireMessage, name: string): string | undefined {
  const values = valuesOf(message, name);
  if (values.length > 1) throw new Error(`${name} came ${values.length} times`);
  return values[0];
}

/** Somebody waited for more on a connection that has ended. */
export class ConnectionEndedError extends Error {}

export class Wire {
  readonly socket: Socket;
  /** Bytes not yet taken by a reader. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  /** Bytes received in all. */
  received = 0;
  /** How the other side ended: `end` after a FIN, `reset` when the connection broke, null while open. */
  ended: "end" | "reset" | null = null;
  /** The socket is closed both ways. */
  closed = false;
  #wake: (() => void)[] = [];

  /** How long reading waits unless it is told otherwise. */
  readonly #deadlineMs: number;

  constructor(socket: Socket, deadlineMs = DEADLINE_MS) {
    this.socket = socket;
    this.#deadlineMs = deadlineMs;
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => {
      this.received += data.length;
      this.#pending.push(data);
      this.#pendingBytes += data.length;
      this.#notify();
    });
    socket.on("end", () => {
      this.ended ??= "end";
      this.#notify();
    });
    socket.on("error", () => {
      this.ended ??= "reset";
      this.#notify();
    });
    socket.on("close", () => {
      this.closed = true;
      this.ended ??= "reset";
      this.#notify();
    });
  }

  static async connect(port: number, host = "127.0.0.1"): Promise<Wire> {
    const socket = connectTcp({ port, host, allowHalfOpen: true });
    const wire = new Wire(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return wire;
  }

  static async connectTls(port: number, options: ConnectionOptions = {}): Promise<Wire> {
    const given = { port, host: "127.0.0.1", rejectUnauthorized: false, allowHalfOpen: true, ...options };
    const socket = connectTls(given as ConnectionOptions);
    const wire = new Wire(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("closed in the handshake")));
    });
    return wire;
  }

  // ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends each argument as a packet of its own. Strings are latin1. */
  async send(...packets: (string | Uint8Array)[]): Promise<void> {
    for (const [index, packet] of packets.entries()) {
      if (index > 0) await Bun.sleep(3);
      this.socket.write(typeof packet === "string" ? Buffer.from(packet, "latin1") : packet);
    }
  }

  /** Sends `data` at the pace that the other side takes it. Resolves early when the connection ends. */
  async pump(data: Uint8Array, pieceBytes = 65_536): Promise<void> {
    for (let at = 0; at < data.length && this.ended !== "reset"; at += pieceBytes) {
      if (this.socket.write(data.subarray(at, at + pieceBytes))) continue;
      await this.until(() => this.closed || !this.socket.writableNeedDrain, this.#deadlineMs, true);
    }
  }

  /**
   * What was sent and not acknowledged by the other side's system: a reset would take it back. 0 where the system does not
   * tell (proc(5)).
   */
  get unacknowledged(): number {
    if (process.platform !== "linux") return this.socket.writableLength;
    const { localPort = 0, remotePort = 0, writableLength } = this.socket;
    const [local, remote] = [localPort, remotePort].map(
      (port) => `:${port.toString(16).toUpperCase().padStart(4, "0")}`,
    );
    for (const line of readFileSync("/proc/net/tcp", "latin1").split("\n")) {
      const [, from = "", to = "", , queues = ""] = line.trim().split(/\s+/);
      if (from.endsWith(local) && to.endsWith(remote)) return writableLength + Number.parseInt(queues, 16);
    }
    return writableLength;
  }

  /** FIN. */
  finish(): void {
    this.socket.end();
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Closes without ceremony. */
  destroy(): void {
    this.socket.destroy();
  }

  // ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All unread bytes as latin1. */
  get text(): string {
    return this.#all().toString("latin1");
  }

  get unread(): number {
    return this.#pendingBytes;
  }

  /** Resolves when `condition` holds; throws with what came when it does not in time. */
  async until(condition: () => boolean, deadlineMs = this.#deadlineMs, poll = false): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (!condition()) {
      const left = end - performance.now();
      if (left <= 0) {
        throw new Error(
          `timed out after ${deadlineMs} ms (ended: ${this.ended}); unread: ${JSON.stringify(this.text.slice(0, 2000))}`,
        );
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, poll ? 5 : Math.min(left, 50));
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Takes exactly `count` bytes. */
  async take(count: number, deadlineMs = this.#deadlineMs): Promise<Buffer> {
    await this.until(() => this.#pendingBytes >= count || this.ended !== null, deadlineMs);
    if (this.#pendingBytes < count) {
      throw new ConnectionEndedError(`ended (${this.ended}) after ${this.#pendingBytes} of ${count} bytes`);
    }
    const all = this.#all();
    this.#setPending(all.subarray(count));
    return all.subarray(0, count);
  }

  /** Takes everything up to and with `mark`. */
  async takeThrough(mark: Buffer | string, deadlineMs = this.#deadlineMs): Promise<Buffer> {
    const bytes = typeof mark === "string" ? Buffer.from(mark, "latin1") : mark;
    let at = -1;
    await this.until(() => {
      at = this.#all().indexOf(bytes);
      return at >= 0 || this.ended !== null;
    }, deadlineMs);
    if (at < 0) {
      const what = `before ${JSON.stringify(bytes.toString())}; got ${JSON.stringify(this.text)}`;
      throw new ConnectionEndedError(`ended (${this.ended}) ${what}`);
    }
    return this.take(at + bytes.length);
  }

  /** Reads one HTTP message with its body. */
  async message(options: ReadOptions = {}): Promise<WireMessage> {
    const head = (await this.takeThrough(CRLF_CRLF)).toString("latin1");
    const { startLine, fields, status } = parseHead(head);
    const get = (name: string) => fields.find(([n]) => n.toLowerCase() === name)?.[1];
    const isResponse = startLine.startsWith("HTTP/");
    const none = options.noBody || (isResponse && (status < 200 || status === 204 || status === 304));
    let body: Buffer = Buffer.alloc(0);
    let rawBody = body;
    let trailers = "";
    if (none) {
      // nothing follows
    } else if (get("transfer-encoding")?.toLowerCase() === "chunked") {
      ({ body, rawBody, trailers } = await this.#chunked());
    } else if (get("content-length") !== undefined) {
      body = await this.take(Number(get("content-length")));
      rawBody = body;
    } else if (isResponse) {
      await this.until(() => this.ended !== null);
      if (this.ended === "reset") throw new ConnectionEndedError("the body was cut off by a reset");
      body = await this.take(this.#pendingBytes);
      rawBody = body;
    }
    return { startLine, fields, head, body, rawBody, trailers, status };
  }

  /** Reads the head of a message and leaves its body. */
  async head(): Promise<WireMessage> {
    return this.message({ noBody: true });
  }

  /** Waits until the other side has ended. @returns how. */
  async end(deadlineMs = this.#deadlineMs): Promise<"end" | "reset"> {
    await this.until(() => this.ended !== null, deadlineMs);
    return this.ended as "end" | "reset";
  }

  async #chunked(): Promise<{ body: Buffer; rawBody: Buffer; trailers: string }> {
    const raw: Buffer[] = [];
    const parts: Buffer[] = [];
    for (;;) {
      const line = await this.takeThrough("\r\n");
      raw.push(line);
      const size = Number.parseInt(line.toString("latin1"), 16);
      if (Number.isNaN(size)) throw new Error(`bad chunk size line ${JSON.stringify(line.toString("latin1"))}`);
      if (size === 0) break;
      const chunk = await this.take(size + 2);
      raw.push(chunk);
      parts.push(chunk.subarray(0, size));
    }
    let trailers = "";
    for (;;) {
      const line = await this.takeThrough("\r\n");
      raw.push(line);
      if (line.length === 2) break;
      trailers += line.toString("latin1");
    }
    return { body: Buffer.concat(parts), rawBody: Buffer.concat(raw), trailers };
  }

  #all(): Buffer {
    if (this.#pending.length === 1) return this.#pending[0];
    const all = Buffer.concat(this.#pending);
    this.#pending = [all];
    return all;
  }

  #setPending(rest: Buffer): void {
    this.#pending = rest.length > 0 ? [rest] : [];
    this.#pendingBytes = rest.length;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

function parseHead(head: string): Pick<WireMessage, "startLine" | "fields" | "status"> {
  const [startLine, ...lines] = head.slice(0, -4).split("\r\n");
  const fields = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")] as const;
  });
  return { startLine, fields, status: startLine.startsWith("HTTP/") ? Number(startLine.split(" ")[1]) : Number.NaN };
}
