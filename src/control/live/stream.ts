/**
 * Those who watch `GET /api/v1/live` (Server-Sent Events). Everything is serialised once and written to all. Of a watcher that
 * does not read, no more waits than one frame, the events of a while and what the runtime has of it already: frames are left
 * out, and who takes nothing for ten seconds is dropped.
 */

/** Most at one time. */
export const MAX_WATCHERS = 16;
/** Who takes nothing for so long is gone. */
const STUCK_MS = 10_000;
/** A stream ends after so long: whoever comes again (`Last-Event-ID`) shows its token again. */
const LIFETIME_MS = 15 * 60_000;
/** Events that may wait for one watcher, bytes. */
const MAX_WAITING = 256 * 1024;
/** How soon whoever lost the stream comes again, milliseconds. */
const RETRY_MS = 1_000;

/** Of the runtime's direct streams: what is written is sent, or waits there, and then a promise says for how long. */
interface DirectController {
  write(chunk: Uint8Array): number | Promise<number>;
  flush(): number | Promise<number>;
  close(): void;
}

/** A second as it is written. */
export interface WrittenFrame {
  readonly bytes: Uint8Array;
  /** Number of its topology, and that as it is written. */
  readonly topology: number;
  readonly topologyBytes: Uint8Array;
}

/** Writes a message of the stream. */
export function message(event: string, data: string, id?: string): Uint8Array {
  return encode(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`);
}

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "x-accel-buffering": "no",
} as const;

/** Without a stream: for HEAD. */
export function emptyStream(): Response {
  return new Response(null, { headers: HEADERS });
}

/** All who watch. */
export class LiveStream {
  readonly #nowMs: () => number;
  readonly #watchers = new Set<Watcher>();
  #dropped = 0;

  /** @param nowMs monotonic, milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** There is no room for one more. */
  get full(): boolean {
    return this.#watchers.size >= MAX_WATCHERS;
  }

  /** Watchers that were dropped because they did not read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** One more. @param first what it is told at once, in order. */
  open(frame: WrittenFrame, first: readonly Uint8Array[]): Response {
    const watcher = new Watcher(this.#nowMs, () => this.#watchers.delete(watcher));
    this.#watchers.add(watcher);
    watcher.tell(encode(`retry: ${RETRY_MS}\n\n`));
    for (const bytes of first) watcher.tell(bytes);
    watcher.frame(frame);
    return new Response(watcher.stream, { headers: HEADERS });
  }

  /** Something happened. */
  event(bytes: Uint8Array): void {
    for (const watcher of [...this.#watchers]) if (!watcher.tell(bytes)) this.#drop(watcher);
  }

  /** A second has passed. @param frame `null` = there is none: only a sign of life. */
  second(frame: WrittenFrame | null): void {
    const nowMs = this.#nowMs();
    for (const watcher of [...this.#watchers]) {
      if (watcher.isStuck(nowMs)) this.#drop(watcher);
      else if (watcher.isOld(nowMs)) watcher.end();
      else if (frame === null) watcher.tell(SIGN_OF_LIFE);
      else watcher.frame(frame);
    }
  }

  /** Ends all. */
  stop(): void {
    for (const watcher of [...this.#watchers]) watcher.end();
  }

  #drop(watcher: Watcher): void {
    this.#dropped++;
    watcher.end();
  }
}

class Watcher {
  readonly #nowMs: () => number;
  readonly #onEnd: () => void;
  readonly #sinceMs: number;
  readonly #ended = Promise.withResolvers<void>();
  /** What is still to be written. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #controller: DirectController | null = null;
  /** Writes that the runtime keeps because they are not taken. */
  #kept = 0;
  /** Since when nothing can be written; `null` = it can. */
  #stuckMs: number | null;
  #topology = -1;
  readonly stream: ReadableStream;

  constructor(nowMs: () => number, onEnd: () => void) {
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
    this.#stuckMs = this.#sinceMs; // nothing is taken before it is pulled
    this.#onEnd = onEnd;
    const source = {
      type: "direct",
      pull: (controller: DirectController) => {
        this.#controller = controller;
        this.#goOn();
        return this.#ended.promise;
      },
      cancel: () => this.end(),
    };
    this.stream = new ReadableStream(source as unknown as ConstructorParameters<typeof ReadableStream>[0]);
  }

  isStuck(nowMs: number): boolean {
    return this.#stuckMs !== null && nowMs - this.#stuckMs >= STUCK_MS;
  }

  isOld(nowMs: number): boolean {
    return nowMs - this.#sinceMs >= LIFETIME_MS;
  }

  /** @returns false when too much waits for it. */
  tell(bytes: Uint8Array): boolean {
    if (this.#stuckMs === null) this.#write(bytes);
    else if (this.#waitingBytes + bytes.length > MAX_WAITING) return false;
    else this.#keep(bytes);
    return true;
  }

  /** Left out while it does not read: the next one says all that this one does. */
  frame({ bytes, topology, topologyBytes }: WrittenFrame): void {
    const isFirst = this.#topology < 0;
    if (this.#stuckMs !== null && !isFirst) return;
    const parts = this.#topology === topology ? [bytes] : [topologyBytes, bytes];
    this.#topology = topology;
    for (const part of parts) {
      if (this.#stuckMs === null) this.#write(part);
      else this.#keep(part);
    }
  }

  end(): void {
    this.#onEnd();
    this.#waiting.length = 0;
    this.#ended.resolve();
    try {
      this.#controller?.close();
    } catch {
      // it is closed already
    }
    this.#controller = null;
  }

  #keep(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #write(bytes: Uint8Array): void {
    if (this.#controller === null) return;
    const written = this.#controller.write(bytes);
    void this.#controller.flush();
    if (typeof written === "number") return;
    this.#kept++;
    this.#stuckMs ??= this.#nowMs();
    written.then(
      () => {
        if (--this.#kept === 0) this.#goOn();
      },
      () => this.end(),
    );
  }

  #goOn(): void {
    this.#stuckMs = null;
    while (this.#waiting.length > 0 && this.#stuckMs === null) {
      const bytes = this.#waiting.shift()!;
      this.#waitingBytes -= bytes.length;
      this.#write(bytes);
    }
  }
}

const encoder = new TextEncoder();

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

const SIGN_OF_LIFE = encode(": alive\n\n");
