/** The fields of a header block as text, whatever they are. */
import type { FieldSink } from "../../../src/proxy/http2/hpack/decoder.ts";

export class FieldLines implements FieldSink {
  line: Buffer = Buffer.alloc(256 * 1024);
  text = "";

  room(): number {
    return 0;
  }

  literal(start: number, _nameEnd: number, end: number): void {
    this.text += this.line.toString("latin1", start, end);
  }

  indexed(table: Buffer, start: number, _nameEnd: number, end: number): void {
    this.text += table.toString("latin1", start, end);
  }
}
