/** Attributes as OTLP writes them: `KeyValue { key = 1, value = 2 }`, with an `AnyValue` of one kind. */
import type { ProtobufWriter } from "../../shared/protobuf/writer.ts";

/** Members of `AnyValue`. */
const AnyValue = { STRING: 1, BOOL: 2, INT: 3, DOUBLE: 4 } as const;

/** Writes the attributes of one message, in the field that it has for them. */
export class AttributeWriter {
  readonly #writer: ProtobufWriter;
  readonly #field: number;
  readonly #maxLength: number;

  /** @param maxLength the most characters of a text; `null` = as many as it has. */
  constructor(writer: ProtobufWriter, field: number, maxLength: number | null) {
    this.#writer = writer;
    this.#field = field;
    this.#maxLength = maxLength ?? Number.POSITIVE_INFINITY;
  }

  /** Nothing for the empty text: what is not known is not said. */
  string(key: string, value: string): void {
    if (value === "") return;
    this.#begin(key);
    this.#writer.string(AnyValue.STRING, value.length > this.#maxLength ? value.slice(0, this.#maxLength) : value);
    this.#end();
  }

  bool(key: string, value: boolean): void {
    this.#begin(key);
    this.#writer.uint(AnyValue.BOOL, value ? 1 : 0);
    this.#end();
  }

  int(key: string, value: number): void {
    this.#begin(key);
    this.#writer.int(AnyValue.INT, value);
    this.#end();
  }

  /** Nothing for what is no number. */
  double(key: string, value: number): void {
    if (!Number.isFinite(value)) return;
    this.#begin(key);
    this.#writer.double(AnyValue.DOUBLE, value);
    this.#end();
  }

  #begin(key: string): void {
    this.#writer.begin(this.#field);
    this.#writer.string(1, key);
    this.#writer.begin(2);
  }

  #end(): void {
    this.#writer.end();
    this.#writer.end();
  }
}
