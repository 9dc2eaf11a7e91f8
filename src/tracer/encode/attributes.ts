/** Attributes as OTLP writes them: `KeyValue { key = 1, value = 2 }`, with an `AnyValue` of one kind. */
import type { ProtoWriter } from "./proto-writer.ts";

/** Members of `AnyValue`. */
const AnyValue = { STRING: 1, BOOL: 2, INT: 3, DOUBLE: 4 } as const;

/** Writes the attributes of one message, in the field that it has for them. */
export class AttributeWriter {
  readonly #writer: ProtoWriter;
  readonly #field: number;
  readonly #maxLength: number;

  /** @param maxLength the most characters of a text; `null` = as many as it has. */
  constructor(writer: ProtoWriter, field: number, maxLength: number | null) {
    this.#writer = writer;
    this.#field = field;
    this.#maxLength = maxLength ?? Number.POSITIVE_INFINITY;
  }

  /** Nothing for the empty text: what is not known is not said. */
  string(key: string, value: string): void {
    if (value === "") return;
    const [pair, any] = this.#begin(key);
    this.#writer.text(AnyValue.STRING, value.length > this.#maxLength ? value.slice(0, this.#maxLength) : value);
    this.#end(pair, any);
  }

  bool(key: string, value: boolean): void {
    const [pair, any] = this.#begin(key);
    this.#writer.int(AnyValue.BOOL, value ? 1 : 0);
    this.#end(pair, any);
  }

  int(key: string, value: number): void {
    const [pair, any] = this.#begin(key);
    this.#writer.int(AnyValue.INT, value);
    this.#end(pair, any);
  }

  /** Nothing for what is no number. */
  double(key: string, value: number): void {
    if (!Number.isFinite(value)) return;
    const [pair, any] = this.#begin(key);
    this.#writer.double(AnyValue.DOUBLE, value);
    this.#end(pair, any);
  }

  #begin(key: string): readonly [pair: number, any: number] {
    const pair = this.#writer.begin(this.#field);
    this.#writer.text(1, key);
    return [pair, this.#writer.begin(2)];
  }

  #end(pair: number, any: number): void {
    this.#writer.end(any);
    this.#writer.end(pair);
  }
}
