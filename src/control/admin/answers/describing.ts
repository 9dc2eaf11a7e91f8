/**
 * Schemas of answers whose types stand where the answers are made. They say exactly what the type says, which the compiler holds:
 * where one of the two changes alone, the other does not compile.
 */
import type { z } from "zod";

/** The same data, which nobody may change: interfaces say `readonly`, what is inferred of schemas does not. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** Neither says more than the other. */
type Same<A, B> = (<T>() => T extends Frozen<A> ? 1 : 2) extends <T>() => T extends Frozen<B> ? 1 : 2 ? true : false;

/** `describing<Answer>()(schema)`: the schema, if it describes just that. */
export function describing<T>() {
  return <S extends z.ZodType>(
    schema: S & (Same<z.output<S>, T> extends true ? unknown : { readonly describes: "something else than the type" }),
  ): S => schema;
}
