/**
 * The access log: one line per request on standard output or in a file, apart from the process's own log on standard
 * error. A line is built once, as bytes, in the buffer that it is written from.
 */
import {
  type AccessLogField,
  type AccessLogFormat,
  DEFAULT_ACCESS_LOG_FIELDS,
} from "../../../shared/access-log-fields.ts";
import type { WorkerBlock } from "../../../shared/memory/layout/shared-memory.ts";
import { viewOf } from "../../http1/fixed-text.ts";
import { LineClock } from "./clock.ts";
import { JsonLine, type LineSubject } from "./json-line.ts";
import { LineOutput } from "./line-output.ts";
import { FileTarget, GivenTarget } from "./line-target.ts";
import type { LoggedOutcome, LoggedRequest } from "./logged.ts";
import { writeLogFormatLine, writeTextLine } from "./text-line.ts";
import { LONGEST_TEXT } from "./texts.ts";

/** How lines look and where they go. */
export interface AccessLogOptions {
  readonly format: AccessLogFormat;
  /** Of JSON; the other formats have theirs. */
  readonly fields?: readonly AccessLogField[];
  /** Absolute path; `null` = the descriptor that the log was made with. */
  readonly file?: string | null;
}

/** Of everything in a line whose length is not the client's choice. */
const LONGEST_FIXED_PART = 2048;
/** `Host`, `User-Agent` and `Referer`. */
const LONGEST_TEXTS = 3 * LONGEST_TEXT;
const FIELDS_OF_HEAD: ReadonlySet<AccessLogField> = new Set(["user_agent", "referer"]);

export class AccessLog {
  readonly #fd: number;
  readonly #output: LineOutput;
  readonly #clock = new LineClock();
  readonly #line: LineSubject = Object.seal({
    request: null as unknown as LoggedRequest,
    outcome: null as unknown as LoggedOutcome,
    durationMs: 0,
    time: this.#clock.isoText,
    view: viewOf(Buffer.alloc(0)),
  });
  #format: AccessLogFormat = "json";
  #json!: JsonLine;
  #fields = "";
  #file: string | null = null;
  #readsHead = false;

  /** @param fd where lines go when there is no file. */
  constructor(fd: number, block: WorkerBlock, options: AccessLogOptions) {
    this.#fd = fd;
    this.#file = options.file ?? null;
    this.#output = new LineOutput(this.#target(), block);
    if (this.#file !== null) this.#output.reopen();
    this.configure(options);
  }

  /** Lines say what `User-Agent` and `Referer` are: whoever parses a head looks for them then. */
  get readsHead(): boolean {
    return this.#readsHead;
  }

  /** How lines look that are yet to come, and where all go that are not written yet. */
  configure({ format, fields = DEFAULT_ACCESS_LOG_FIELDS, file = null }: AccessLogOptions): void {
    const names = fields.join();
    if (names !== this.#fields) this.#json = new JsonLine(fields);
    this.#fields = names;
    this.#format = format;
    this.#readsHead = format === "combined" || (format === "json" && fields.some((name) => FIELDS_OF_HEAD.has(name)));
    if (file === this.#file) return;
    this.#file = file;
    this.#output.redirect(this.#target());
  }

  /** The file is opened by its name again: it was moved, or will be. */
  reopen(): void {
    if (this.#file !== null) this.#output.reopen();
  }

  /**
   * Adds a line.
   * @param durationMs from the first byte of the request to the last of the response.
   * @param wallMs when it ended, milliseconds since the epoch.
   */
  record(request: LoggedRequest, outcome: LoggedOutcome, durationMs: number, wallMs: number): void {
    const output = this.#output;
    if (!output.reserve(longestLine(request))) return;
    const clock = this.#clock;
    clock.set(wallMs);
    const { buffer, at } = output;
    let end: number;
    if (this.#format === "json") {
      const line = this.#line;
      line.request = request;
      line.outcome = outcome;
      line.durationMs = durationMs;
      line.view = output.view;
      end = this.#json.write(buffer, at, line);
    } else if (this.#format === "text") end = writeTextLine(buffer, at, request, outcome, durationMs, clock);
    else end = writeLogFormatLine(buffer, at, request, outcome, clock, this.#format === "combined");
    output.take(end);
  }

  /** To be called some times a second. */
  tick(): void {
    this.#output.tick();
  }

  /** Resolves when all lines are out, or after `timeoutMs`: a reader may be stuck. */
  async allOut(timeoutMs: number): Promise<void> {
    await this.#output.allOut(timeoutMs);
  }

  /** Waits for all lines as `allOut` does: a stuck reader must not keep the process alive. What is left then is given up. */
  async close(timeoutMs: number): Promise<void> {
    await this.#output.close(timeoutMs);
  }

  #target(): GivenTarget | FileTarget {
    return this.#file === null ? new GivenTarget(this.#fd) : new FileTarget(this.#file);
  }
}

/** Bytes that a line of it may have, whatever it looks like. */
function longestLine(r: LoggedRequest): number {
  const target = 2 * (r.targetEnd - r.targetStart);
  const names = r.methodEnd - r.methodStart + (r.requestIdEnd - r.requestIdStart) + r.clientAddress.length;
  const labels = r.labels === null ? 0 : r.labels.length;
  const shown = r.certificate === null ? 0 : r.certificate.subject.length + r.certificate.fingerprint.length;
  return target + names + labels + shown + LONGEST_TEXTS + LONGEST_FIXED_PART;
}
