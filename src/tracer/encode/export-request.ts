/** `ExportTraceServiceRequest`: one resource, one scope, and spans that are encoded already. */
import { AttributeWriter } from "./attributes.ts";
import { ProtoWriter, varintLength } from "./proto-writer.ts";

/** `ResourceSpans` in the request, `Resource` and `ScopeSpans` in that, `Span`s in that. */
const RESOURCE_SPANS = 1;
const RESOURCE = 1;
const SCOPE_SPANS = 2;
const SCOPE = 1;
const SPANS = 2;
const LENGTH_DELIMITED = 2;

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
    const writer = new ProtoWriter();
    const resource = writer.begin(RESOURCE);
    const into = new AttributeWriter(writer, 1, null);
    for (const [key, value] of Object.entries(attributes)) into.string(key, value);
    writer.end(resource);
    this.#resource = writer.bytes();
    writer.reset();
    const scope = writer.begin(SCOPE);
    writer.string(1, name);
    writer.string(2, version);
    writer.end(scope);
    this.#scope = writer.bytes();
  }

  /** @param spans `Span` messages. */
  of(spans: readonly Uint8Array[]): Buffer {
    let inScope = this.#scope.length;
    for (const { length } of spans) inScope += 1 + varintLength(length) + length;
    const inResource = this.#resource.length + 1 + varintLength(inScope) + inScope;
    const out = Buffer.allocUnsafe(1 + varintLength(inResource) + inResource);
    let at = header(out, 0, RESOURCE_SPANS, inResource);
    out.set(this.#resource, at);
    at = header(out, at + this.#resource.length, SCOPE_SPANS, inScope);
    out.set(this.#scope, at);
    at += this.#scope.length;
    for (const span of spans) {
      at = header(out, at, SPANS, span.length);
      out.set(span, at);
      at += span.length;
    }
    return out;
  }
}

/** Tag and length of a message. @returns where it begins. */
function header(out: Uint8Array, start: number, field: number, length: number): number {
  let at = start;
  out[at++] = field * 8 + LENGTH_DELIMITED;
  let rest = length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out[at++] = (rest % 0x80) | 0x80;
  out[at++] = rest;
  return at;
}
