/**
 * Field lines of HTTP/1.1 from the fields of a block: what every reader of heads does. Neighbours in a table are copied in one
 * run, a literal is decoded where its line has to be.
 */
import { copyBytes } from "../../http1/copy.ts";
import { ParseError } from "../../http1/parse-error.ts";
import type { FieldSink } from "../hpack/decoder.ts";
import { SecretNames } from "../hpack/secret-names.ts";
import { errorOf, FIRST_PSEUDO_KIND, FieldKind, kindOf } from "./field-mark.ts";

const FIRST_BYTES = 4096;
const NO_BYTES: Buffer = Buffer.alloc(0);

/** One per worker and kind of message: it is used again for each block, and keeps the memory that the largest one took. */
export abstract class LineReader implements FieldSink {
  line: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Where the next line goes; what is before it are the lines so far. */
  protected linesEnd = 0;
  /** The first thing that was wrong, a `ParseError`; 0 = nothing so far. Then the rest of the block goes by. */
  protected error = 0;
  /** A field that is no pseudo-field has come. */
  #pastPseudo = false;
  /** Bytes of all lines, wherever they are. */
  #bytes = 0;
  #maxBytes = 0;
  /** Neighbours in a table that have not been copied yet. */
  #run: Buffer = NO_BYTES;
  #runStart = 0;
  #runEnd = 0;

  readonly #secrets: SecretNames;

  /** @param secrets is told which fields nobody is to keep in a table. */
  constructor(secrets: SecretNames = new SecretNames()) {
    this.#secrets = secrets;
  }

  /** Makes it ready for a block. @param maxBytes bound of the head, in the form of HTTP/1.1. */
  protected reset(maxBytes: number): void {
    this.linesEnd = 0;
    this.error = 0;
    this.#pastPseudo = false;
    this.#bytes = 0;
    this.#maxBytes = maxBytes;
    this.#runStart = 0;
    this.#runEnd = 0;
  }

  room(bytes: number): number {
    this.flushRun();
    this.#grow(this.linesEnd + bytes);
    return this.linesEnd;
  }

  literal(start: number, nameEnd: number, end: number, mark: number, never: boolean): void {
    if (!this.#accepts(mark, end - start)) return;
    if (never) this.#secrets.note(this.line, start, nameEnd);
    const kind = kindOf(mark);
    if (kind === FieldKind.PLAIN) this.linesEnd = end;
    else this.special(this.line, start, nameEnd, end, kind);
  }

  indexed(table: Buffer, start: number, nameEnd: number, end: number, mark: number): void {
    if (!this.#accepts(mark, end - start)) return;
    const kind = kindOf(mark);
    if (kind !== FieldKind.PLAIN) this.special(table, start, nameEnd, end, kind);
    else this.take(table, start, end);
  }

  /** Takes the line `buf[start … end)` as it is. */
  protected take(buf: Buffer, start: number, end: number): void {
    if (buf === this.line) {
      // Decoded to where it has to be.
      this.linesEnd = end;
      return;
    }
    if (buf === this.#run && start === this.#runEnd) {
      this.#runEnd = end;
      return;
    }
    this.flushRun();
    this.#run = buf;
    this.#runStart = start;
    this.#runEnd = end;
  }

  /** A field that is not `PLAIN`: `buf[start … end)` is its line. */
  protected abstract special(buf: Buffer, start: number, nameEnd: number, end: number, kind: number): void;

  /** From here on nothing is taken. */
  protected refuse(error: number): void {
    this.error = error;
    this.linesEnd = 0;
    this.#runStart = this.#runEnd;
  }

  /** Copies what has not been copied yet. */
  protected flushRun(): void {
    const start = this.#runStart;
    const end = this.#runEnd;
    if (start === end) return;
    this.#runStart = end;
    this.#grow(this.linesEnd + end - start);
    this.linesEnd = copyBytes(this.line, this.linesEnd, this.#run, start, end);
  }

  #grow(needed: number): void {
    if (needed <= this.line.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.line.length * 2));
    this.line.copy(grown, 0, 0, this.linesEnd);
    this.line = grown;
  }

  #accepts(mark: number, bytes: number): boolean {
    if (this.error !== 0) return false;
    const error = errorOf(mark);
    this.#bytes += bytes;
    if (error !== 0) this.refuse(error);
    else if (this.#bytes > this.#maxBytes) this.refuse(ParseError.HEAD_TOO_LARGE);
    else if (kindOf(mark) < FIRST_PSEUDO_KIND) this.#pastPseudo = true;
    else if (this.#pastPseudo) this.refuse(ParseError.LATE_PSEUDO_FIELD);
    return this.error === 0;
  }
}
