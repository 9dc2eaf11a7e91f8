/** `ExportTraceServiceRequest`: one resource, one scope, and spans that are encoded already. */
import { ProtobufWriter } from "../../shared/protobuf/writer.ts";
import { AttributeWriter } from "./attributes.ts";

/** `ResourceSpans` in the request, `Resource` and `ScopeSpans` in that, `Span`s in that. */
const RESOURCE_SPANS = 1;
const RESOURCE = 1;
const SCOPE_SPANS = 2;
const SCOPE = 1;
const SPANS = 2;

/** Who made the spans. */
export interface Scope {
  readonly name: string;
  readonly version: string;
}

/** Puts spans of one resource into requests. */
export class ExportRequests {
  readonly #resource: Uint8Array;
  readonly #scope: Uint8Array;

  constructor(attributes: Readonly<Record<string, string>>, { name, version }: Scope) {
    const writer = new ProtobufWriter();
    const resource = new AttributeWriter(writer, 1, null);
    for (const [key, value] of Object.entries(attributes)) resource.string(key, value);
    this.#resource = writer.take();
    writer.string(1, name);
    writer.string(2, version);
    this.#scope = writer.take();
  }

  /** @param spans `Span` messages. */
  of(spans: readonly Uint8Array[]): Buffer {
    const writer = new ProtobufWriter(); // not kept: a large batch would leave it large
    writer.begin(RESOURCE_SPANS);
    writer.bytes(RESOURCE, this.#resource);
    writer.begin(SCOPE_SPANS);
    writer.bytes(SCOPE, this.#scope);
    for (const span of spans) writer.bytes(SPANS, span);
    writer.end();
    writer.end();
    return writer.take();
  }
}
