/**
 * Takes lines as bytes and has them written out by a thread-pool write when 64 KB have gathered or when the flush interval
 * ends. At most one write is under way: when the reader of a pipe is slower than the traffic, full buffers wait, 16 at most;
 * then lines are dropped and counted, and requests go on.
 */
import { write } from "node:fs";
import type { WorkerBlock } from "../../../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../../../shared/memory/layout/worker-counters.ts";
import { viewOf } from "../../http1/fixed-text.ts";
import type { LineTarget } from "./line-target.ts";

interface FullBuffer {
  readonly buffer: Buffer;
  readonly length: number;
}

/** A line may have this size, nearly. */
const BUFFER_BYTES = 256 * 1024;
/** With 4 MB waiting the reader is slower than the traffic, and not just a moment late. */
const MAX_FULL_BUFFERS = 16;
const FLUSH_BYTES = 64 * 1024;
/** After a line that was written in part the next one begins with a line feed, which waits at the start of each buffer. */
const FIRST = 1;
const LINE_FEED = 10;
/** How often is looked whether the target is still the file of its name, in calls of `tick`. */
const LOOK_TICKS = 5;

export class LineOutput {
  readonly #block: WorkerBlock;
  #target: LineTarget;
  /** Takes the place of the target as soon as nothing is written to that. */
  #next: LineTarget | null = null;
  #buffer = newBuffer();
  #view = viewOf(this.#buffer);
  #spare: Buffer | null = null;
  /** Buffers that wait for the write under way, in order. */
  readonly #full: FullBuffer[] = [];
  #length = FIRST;
  /** Something is written or looked at. */
  #busy = false;
  /** The system has been asked to write, and has not said how that went. */
  #asked = false;
  #ticks = 0;
  #reopen = false;
  /** The last that the target has is a part of a line. */
  #torn = false;
  /** Lines were lost since the write under way began. */
  #losing = false;
  /** Nothing is written any more: the descriptor is its owner's again, who may give the number to another file. */
  #closed = false;

  constructor(target: LineTarget, block: WorkerBlock) {
    this.#target = target;
    this.#block = block;
  }

  /**
   * Room for a line of at most `bytes`: it is written into `buffer` from `at`, and then `take` is called. False when there is
   * none; the line is counted as lost then.
   */
  reserve(bytes: number): boolean {
    const { length } = this.#buffer;
    if (bytes + FIRST <= length && (this.#length + bytes <= length || this.#nextBuffer())) return true;
    this.#lost(1);
    return false;
  }

  get buffer(): Buffer {
    return this.#buffer;
  }

  /** Of the buffer. */
  get view(): DataView {
    return this.#view;
  }

  get at(): number {
    return this.#length;
  }

  /** A line was written, which ends at `end`. */
  take(end: number): void {
    this.#length = end;
    this.#block.counters[WorkerCounter.ACCESS_LOG_LINES]++;
    if (end >= FLUSH_BYTES) this.flush();
  }

  /** Lines that are written from now on go there; those that are waiting too. */
  redirect(target: LineTarget): void {
    this.#next?.close();
    this.#next = target;
    this.#look();
  }

  /** The file was moved, or will be: it is opened by its name again. */
  reopen(): void {
    this.#reopen = true;
    this.#look();
  }

  /** To be called some times a second: what has gathered is written, so that a quiet service's lines appear soon. */
  tick(): void {
    this.#ticks++;
    if (this.#ticks >= LOOK_TICKS) this.#look();
    this.flush();
  }

  /** Writes out what has gathered. */
  flush(): void {
    if (this.#busy || this.#closed) return;
    if (this.#full.length === 0 && (this.#length === FIRST || !this.#nextBuffer())) return;
    const { buffer, length } = this.#full.shift() as FullBuffer;
    this.#busy = true;
    this.#losing = false;
    this.#writeOut(buffer, this.#torn ? 0 : FIRST, length);
  }

  /** Resolves when all lines are out, or after `timeoutMs`: a reader may be stuck. */
  async allOut(timeoutMs: number): Promise<void> {
    for (let waited = 0; waited < timeoutMs; waited += 5) {
      this.flush();
      if (!this.#busy && this.#length === FIRST && this.#full.length === 0) return;
      await Bun.sleep(5);
    }
  }

  /** Waits for all lines as `allOut` does: a stuck reader must not keep the process alive. What is left then is given up. */
  async close(timeoutMs: number): Promise<void> {
    await this.allOut(timeoutMs);
    this.#closed = true;
    // What the system was asked for before may still come: only a reader that blocks takes longer than a moment.
    for (let waited = 0; this.#asked && waited < timeoutMs; waited++) await Bun.sleep(1);
    this.#target.close();
    this.#next?.close();
  }

  /** Sees to it that the target is the right one, if nothing is under way; else with the next call. */
  #look(): void {
    if (this.#busy || this.#closed) return;
    this.#ticks = 0;
    if (this.#next !== null) {
      this.#target.close();
      this.#target = this.#next;
      this.#next = null;
    }
    const { fd } = this.#target;
    const anew = this.#reopen;
    this.#reopen = false;
    this.#busy = true;
    this.#target.look(anew, () => {
      this.#busy = false;
      if (this.#target.fd !== fd) this.#torn = false;
      this.#goOn();
    });
  }

  /** Lines up the present buffer for writing and goes on with another one. @returns false when too many are waiting. */
  #nextBuffer(): boolean {
    if (this.#full.length >= MAX_FULL_BUFFERS) return false;
    this.#full.push({ buffer: this.#buffer, length: this.#length });
    this.#buffer = this.#spare ?? newBuffer();
    this.#view = viewOf(this.#buffer);
    this.#spare = null;
    this.#length = FIRST;
    return true;
  }

  #written(buffer: Buffer): void {
    this.#busy = false;
    this.#spare = buffer;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#next !== null || this.#reopen) this.#look();
    else if (this.#full.length > 0) this.flush();
  }

  #writeOut(data: Buffer, start: number, end: number): void {
    if (this.#closed) return;
    const { fd } = this.#target;
    if (fd < 0) {
      this.#lost(countLines(data, start, end));
      this.#written(data);
      return;
    }
    const stop = this.#lineEndBefore(data, start, end);
    this.#asked = true;
    write(fd, data, start, stop - start, null, (error, written) => {
      this.#asked = false;
      if (error !== null && error.code !== "EAGAIN" && error.code !== "EINTR") {
        // A full disk or a closed pipe: what could not be written is lost, and counted.
        this.#lost(countLines(data, start, end));
        this.#written(data);
        return;
      }
      const next = start + (error === null ? written : 0);
      if (next > start) this.#torn = data[next - 1] !== LINE_FEED;
      if (next < end) {
        if (error === null) this.#writeOut(data, next, end);
        else setTimeout(() => this.#writeOut(data, next, end), 10);
        return;
      }
      if (!this.#losing) this.#block.counters[WorkerCounter.ACCESS_LOG_FAILING] = 0;
      this.#written(data);
    });
  }

  /** The supervisor says it once and shows it as a degraded mode; here it must cost nothing. */
  #lost(lines: number): void {
    this.#losing = true;
    this.#block.counters[WorkerCounter.ACCESS_LOG_DROPPED] += lines;
    this.#block.counters[WorkerCounter.ACCESS_LOG_FAILING] = 1;
  }

  /** Where to stop so that a write to a pipe holds whole lines and stays atomic. */
  #lineEndBefore(data: Buffer, start: number, end: number): number {
    const { maxWrite } = this.#target;
    if (end - start <= maxWrite) return end;
    const at = data.lastIndexOf(LINE_FEED, start + maxWrite - 1);
    return at > start ? at + 1 : Math.min(end, data.indexOf(LINE_FEED, start + 1) + 1 || end);
  }
}

function newBuffer(): Buffer {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  buffer[0] = LINE_FEED;
  return buffer;
}

function countLines(data: Buffer, start: number, end: number): number {
  let lines = 0;
  for (let i = Math.max(start, FIRST); i < end; i++) if (data[i] === LINE_FEED) lines++;
  return lines;
}
