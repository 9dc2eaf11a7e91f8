/**
 * Shapes: what the configuration file has beside single settings, such as pools and routes. From one description come the
 * reader (read-shape.ts), the JSON Schema for editors, the reference and the annotated example (scripts/generate/).
 */
import type { Scope } from "../scopes.ts";
import type { ValueType } from "../setting.ts";
import type { Variable } from "../sources/variable.ts";

/** One value, with the types and units that settings have. */
export interface ValueShape<T> {
  readonly kind: "value";
  readonly type: ValueType<T>;
  /** Never shown, and `file:` reads it from a file. */
  readonly secret: boolean;
}

/** Entries of one shape. */
export interface ListShape<E> {
  readonly kind: "list";
  readonly of: E;
  /** A single one may stand without the list. */
  readonly orOne: boolean;
  readonly max: number;
}

/** Names of the user's own with values of one shape. */
export interface MapShape<E> {
  readonly kind: "map";
  readonly names: ValueType<string>;
  readonly of: E;
  readonly max: number;
}

/** Named fields of one shape each, and beside them sections of settings. */
export interface StructShape<F> {
  readonly kind: "struct";
  readonly fields: F;
  /** Whose settings may have values of their own here; `null` = no sections. */
  readonly sections: Scope | null;
}

/** What a struct's field is, and what people are told of it. */
export interface Field<S extends AnyShape = AnyShape> {
  readonly shape: S;
  /** One or two sentences. */
  readonly doc: string;
  /** What the annotated example has for it, as YAML of one line. */
  readonly sample: string;
}

/** Any shape. */
export type AnyShape =
  // biome-ignore lint/suspicious/noExplicitAny: of values of every type; ReadOf knows each one
  ValueShape<any> | ListShape<any> | MapShape<any> | StructShape<any>;

/** Where something stands: its name from the file's root, and file, line and column. */
export interface Spot {
  readonly path: string;
  readonly place: string;
}

/** A value that was read. */
export interface Leaf<T> extends Spot {
  readonly value: T;
}

/** Entries that were read. */
export interface Several<R> extends Spot {
  /** Without those that are wrong. */
  readonly entries: readonly R[];
  /** How many stand there, right or wrong. */
  readonly written: number;
}

/** One entry of a map. */
export interface Named<R> extends Spot {
  readonly name: string;
  readonly value: R;
}

/** What was read of a struct: what is wrong or not there is missing. */
export interface Fields<F> extends Spot {
  readonly fields: { readonly [K in keyof F]?: F[K] extends Field<infer S> ? ReadOf<S> : never };
  /** The keys that stand there, with a right value or a wrong one. */
  readonly said: ReadonlySet<string>;
  /** Of its sections, by the names of their settings. */
  readonly variables: readonly Variable[];
}

/** What reading a shape gives. */
export type ReadOf<S> =
  S extends ValueShape<infer T>
    ? Leaf<T>
    : S extends ListShape<infer E>
      ? Several<ReadOf<E>>
      : S extends MapShape<infer E>
        ? Several<Named<ReadOf<E>>>
        : S extends StructShape<infer F>
          ? Fields<F>
          : never;

/** More than anybody writes by hand. */
const MANY = 1000;

/** One value. */
export function value<T>(type: ValueType<T>, options: { readonly secret?: boolean } = {}): ValueShape<T> {
  return { kind: "value", type, secret: options.secret ?? false };
}

/** A list; with `orOne` a single entry may stand alone. */
export function list<E extends AnyShape>(
  of: E,
  options: { readonly orOne?: boolean; readonly max?: number } = {},
): ListShape<E> {
  return { kind: "list", of, orOne: options.orOne ?? false, max: options.max ?? MANY };
}

/** One entry, or a list of them. */
export function oneOrMore<T>(type: ValueType<T>): ListShape<ValueShape<T>> {
  return list(value(type), { orOne: true });
}

/** A mapping of names to values. */
export function map<E extends AnyShape>(names: ValueType<string>, of: E, max = MANY): MapShape<E> {
  return { kind: "map", names, of, max };
}

/** Fields of these names, with sections of settings of a scope or without. */
export function struct<const F extends Readonly<Record<string, Field>>>(
  fields: F,
  sections: Scope | null = null,
): StructShape<F> {
  return { kind: "struct", fields, sections };
}

/** A field of a struct. */
export function field<S extends AnyShape>(doc: string, shape: S, sample: string): Field<S> {
  return { shape, doc, sample };
}
