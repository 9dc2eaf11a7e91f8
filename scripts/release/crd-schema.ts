/**
 * `bun scripts/release/crd-schema.ts FILE`: the JSON schema of the first version of a CustomResourceDefinition, strict: fields that it
 * does not name are refused, as `kubectl apply` does by default.
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
}

/** Objects whose fields are named have no others. */
function strict(schema: Schema, isRoot = false): Schema {
  const { properties, items } = schema;
  const inner = Object.entries(properties ?? {}).map(([name, each]) => [name, strict(each)]);
  const isClosed = !isRoot && properties !== undefined && schema["x-kubernetes-preserve-unknown-fields"] !== true;
  return {
    ...schema,
    ...(properties && { properties: Object.fromEntries(inner) }),
    ...(items && { items: strict(items) }),
    ...(isClosed && schema.additionalProperties === undefined && { additionalProperties: false }),
  };
}

const { spec } = parse(readFileSync(process.argv[2], "utf8"));
console.log(JSON.stringify(strict(spec.versions[0].schema.openAPIV3Schema, true)));
