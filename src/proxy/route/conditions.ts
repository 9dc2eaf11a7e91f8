/** What a route asks for beside host and path: methods and header fields. Looked at in the head as it was parsed. */
import type { HeaderMatch, RouteSpec } from "../../protocol/route.ts";
import { METHODS, Method } from "../../shared/memory/series-table.ts";
import { equalBytes } from "../http1/copy.ts";
import { FieldId, FORWARDING_MASK, fieldIdOf } from "../http1/field-names.ts";
import { FIELD_STRIDE, FieldPart, type RequestHead } from "../http1/head.ts";
import { isField } from "../http1/header-text.ts";

const ENCODER = new TextEncoder();

interface FieldCondition {
  /** Lower case. */
  readonly name: Uint8Array;
  readonly value: Uint8Array | null;
}

/** The conditions of one route. */
export class Conditions {
  /** There are none. */
  readonly none: boolean;
  /** Bit set of `Method`; 0 = of those that it knows none. */
  readonly #methods: number;
  readonly #otherMethods: readonly Uint8Array[];
  readonly #anyMethod: boolean;
  readonly #fields: readonly FieldCondition[];
  /** One of the fields is only a proxy's to set: whoever is no trusted one does not have it, whatever he sends. */
  readonly #needsTrust: boolean;

  constructor({ match }: RouteSpec) {
    let methods = 0;
    const others: Uint8Array[] = [];
    for (const name of match.methods) {
      const index = (METHODS as readonly string[]).indexOf(name);
      if (index > Method.OTHER) methods |= 1 << index;
      else others.push(ENCODER.encode(name));
    }
    this.#methods = methods;
    this.#otherMethods = others;
    this.#anyMethod = match.methods.length === 0;
    this.#fields = match.headers.map(compileField);
    this.#needsTrust = this.#fields.some(({ name }) => isForwarding(name));
    this.none = this.#anyMethod && this.#fields.length === 0;
  }

  /** Does the request in `head`, which was parsed from `buf`, meet all of them? @param trusted whether its peer is. */
  fit(buf: Uint8Array, head: RequestHead, trusted: boolean): boolean {
    if (this.none) return true;
    return (trusted || !this.#needsTrust) && this.fitsMethod(buf, head) && this.misfit(buf, head) < 0;
  }

  /** Is its method one of them? */
  fitsMethod(buf: Uint8Array, head: RequestHead): boolean {
    if (this.#anyMethod) return true;
    if (head.method !== Method.OTHER) return (this.#methods & (1 << head.method)) !== 0;
    const others = this.#otherMethods;
    for (let i = 0; i < others.length; i++) {
      if (equalBytes(buf, head.methodStart, head.methodEnd, others[i])) return true;
    }
    return false;
  }

  /** The first field (index into `match.headers`) that it does not have as it should; -1 = it has them all. */
  misfit(buf: Uint8Array, head: RequestHead): number {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i++) if (!hasField(buf, head, fields[i])) return i;
    return -1;
  }
}

/** Fields of this kind are removed before servers see them, unless a trusted proxy sent them. */
function isForwarding(name: Uint8Array): boolean {
  const id = fieldIdOf(name, 0, name.length);
  return id !== FieldId.OTHER && id <= FieldId.X_FORWARDED_OTHER && (FORWARDING_MASK & (1 << id)) !== 0;
}

function compileField({ name, value }: HeaderMatch): FieldCondition {
  return {
    name: ENCODER.encode(name.toLowerCase()),
    value: value === null ? null : ENCODER.encode(value),
  };
}

/**
 * Whether the field is there; if a value is asked for, once and with that value: of two, servers may believe the one or the
 * other.
 */
function hasField(buf: Uint8Array, head: RequestHead, { name, value }: FieldCondition): boolean {
  const offsets = head.fields;
  let found = -1;
  for (let i = 0, at = 0; i < head.fieldCount; i++, at += FIELD_STRIDE) {
    if (!isField(buf, head, i, name)) continue;
    if (value === null) return true;
    if (found >= 0) return false;
    found = at;
  }
  if (found < 0 || value === null) return false;
  return equalBytes(buf, offsets[found + FieldPart.VALUE_START], offsets[found + FieldPart.VALUE_END], value);
}
