/** Schemas as the OpenAPI document has them. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";

/** A part of the document. */
export type Json = { readonly [name: string]: unknown };

/** The schemas that have a name (`meta({ id })`): once in the document, however many answers they are a part of. */
export class Components {
  readonly #schemas = new Map<string, Json>();

  /** In the order of their names. */
  get all(): Json {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Throws when there is another one of that name. */
  add(name: string, schema: Json): void {
    const known = this.#schemas.get(name);
    if (known !== undefined && !isDeepStrictEqual(known, schema)) throw new Error(`two schemas are called ${name}`);
    this.#schemas.set(name, schema);
  }

  /** What cannot be said in JSON Schema is any value there: the API reads it more closely. */
  schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
    const {
      $schema: _,
      $defs: named = {},
      ...described
    } = z.toJSONSchema(schema, { io, unrepresentable: "any", target: "draft-2020-12" });
    for (const [name, one] of Object.entries(named)) this.add(name, placed(one) as Json);
    return placed(described) as Json;
  }
}

/** With references to where the document has what is referred to. */
function placed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(placed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    key === "$ref" && typeof inner === "string" ? inner.replace("#/$defs/", "#/components/schemas/") : placed(inner),
  ]);
  return Object.fromEntries(entries);
}
