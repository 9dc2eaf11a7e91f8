/** Whether a response is compressed, as a route has it (RFC 9110 section 8.4, RFC 9111 section 5.2.2.6). */
import type { CompressionSettings } from "../../protocol/route.ts";
import { Method } from "../../shared/memory/series-table.ts";
import { FieldId } from "../http1/field-names.ts";
import type { RequestHead, ResponseHead } from "../http1/head.ts";
import { fieldText, fieldValue } from "../http1/header-text.ts";
import { type Encoding, preferredEncoding } from "./accept-encoding.ts";

/** What is done with a response that may be compressed. */
export interface CompressionPlan {
  /** `null`: this client gets it as it is, which another may not: the head says so (`Vary`). */
  readonly encoding: Encoding | null;
}

const ACCEPT_ENCODING = Buffer.from("accept-encoding");
const CACHE_CONTROL = Buffer.from("cache-control");
const AS_IT_IS: CompressionPlan = { encoding: null };

/** The rules of one route. */
export class CompressionRules {
  readonly #encodings: readonly Encoding[];
  readonly #minBytes: number;
  readonly #types: ReadonlySet<string>;
  /** `text` for `text/*`. */
  readonly #families: ReadonlySet<string>;
  readonly #plans: Readonly<Record<Encoding, CompressionPlan>> = {
    br: { encoding: "br" },
    zstd: { encoding: "zstd" },
    gzip: { encoding: "gzip" },
  };

  constructor({ encodings, minBytes, types }: CompressionSettings) {
    this.#encodings = encodings;
    this.#minBytes = Math.max(1, minBytes);
    this.#types = new Set(types);
    this.#families = new Set(types.filter((type) => type.endsWith("/*")).map((type) => type.slice(0, -2)));
  }

  /**
   * @param request parsed from `requestBytes`. @param response parsed from `responseBytes`.
   * @returns `null` when the response is none that would be compressed for anybody.
   */
  planFor(
    request: RequestHead,
    requestBytes: Buffer,
    response: ResponseHead,
    responseBytes: Buffer,
  ): CompressionPlan | null {
    if (!hasWholeBody(request.method, response)) return null;
    if (response.contentLength >= 0 && response.contentLength < this.#minBytes) return null;
    // Connection may name any field, and what it names does not reach the client: not even `Content-Encoding`.
    if (response.hasConnectionOptions || response.fieldCount + ADDED_FIELDS > response.ids.length) return null;
    if (!this.#mayBe(response, responseBytes)) return null;
    if (request.versionMinor === 0) return AS_IT_IS; // whoever passes it on to others may not look at `Vary`
    if (hasNoTransform(fieldText(requestBytes, request, CACHE_CONTROL))) return AS_IT_IS;
    const encoding = preferredEncoding(
      fieldText(requestBytes, request, ACCEPT_ENCODING)?.toLowerCase() ?? null,
      this.#encodings,
    );
    return encoding === null ? AS_IT_IS : this.#plans[encoding];
  }

  /** It is of a type that is compressed, is not compressed yet, and nobody has forbidden it. */
  #mayBe(response: ResponseHead, bytes: Buffer): boolean {
    const { ids, fieldCount } = response;
    let type = "";
    for (let index = 0; index < fieldCount; index++) {
      if (ids[index] === FieldId.CONTENT_ENCODING || ids[index] === FieldId.CONTENT_RANGE) return false;
      if (ids[index] !== FieldId.CONTENT_TYPE) continue;
      if (type !== "") return false; // two types are none
      type = typeOf(fieldValue(bytes, response, index));
    }
    if (!this.#types.has(type) && !this.#families.has(type.slice(0, Math.max(0, type.indexOf("/"))))) return false;
    return !hasNoTransform(fieldText(bytes, response, CACHE_CONTROL));
  }
}

/** Most fields that compression adds: `Content-Encoding`, `Vary`, framing. */
const ADDED_FIELDS = 3;

/** A body that stands for the whole resource, or, of HEAD, would be one. */
function hasWholeBody(method: number, { status, bodyKind }: ResponseHead): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
  return bodyKind !== 0 || method === Method.HEAD;
}

function typeOf(value: string): string {
  const end = value.indexOf(";");
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase();
}

/** Directives that are looked at: nobody has use for as many, and there is a bound for the work. */
const MOST_DIRECTIVES = 64;

function hasNoTransform(cacheControl: string | null): boolean {
  return (
    cacheControl?.split(",", MOST_DIRECTIVES).some((directive) => directive.trim().toLowerCase() === "no-transform") ??
    false
  );
}
