/** What a route changes of headers, from what the file says. */
import type { HeaderEdits, HeaderField } from "../../protocol/route.ts";
import {
  FIXED_REQUEST_FIELDS,
  FIXED_RESPONSE_FIELDS,
  MAX_ADDED_BYTES,
  plainFieldName,
} from "../../shared/fixed-fields.ts";
import type { ShapeFindings } from "../shapes/findings.ts";
import type { Spot } from "../shapes/shape.ts";
import type { RouteBlock } from "./shape.ts";

type Edits = NonNullable<RouteBlock["fields"]["request_headers"]>;

/** Changes of the header of requests or responses. */
export function readEdits(
  edits: Edits | undefined,
  of: "request" | "response",
  findings: ShapeFindings,
): HeaderEdits | null {
  if (edits === undefined) return null;
  const { set, add, remove } = edits.fields;
  const toSet = (set?.entries ?? []).map(({ name, value, ...spot }) => named(name, value.value, spot));
  const toAdd = (add?.entries ?? []).flatMap(({ name, value, ...spot }) =>
    value.entries.map((one) => named(name, one.value, spot)),
  );
  const toRemove = (remove?.entries ?? []).map(({ value: name, ...spot }) => ({ name, spot }));
  for (const { name, spot } of [...toSet, ...toAdd, ...toRemove]) checkName(name, of, spot, findings);
  for (const { name, spot } of toRemove) {
    if (toSet.some((field) => field.name === name)) {
      findings.problem(spot, `removes ${name}, which is set as well: setting replaces what was there`);
    }
  }
  const bytes = [...toSet, ...toAdd].reduce((sum, { name, value }) => sum + name.length + value.length + 4, 0);
  if (bytes > MAX_ADDED_BYTES) {
    findings.problem(edits, `adds ${bytes} bytes to every header; the most is ${MAX_ADDED_BYTES}`);
  }
  return { remove: [...new Set(toRemove.map(({ name }) => name))], set: toSet.map(plain), add: toAdd.map(plain) };
}

function named(name: string, value: string, { path, place }: Spot) {
  return { name, value, spot: { path, place } };
}

function plain({ name, value }: HeaderField): HeaderField {
  return { name, value };
}

function checkName(name: string, of: "request" | "response", spot: Spot, findings: ShapeFindings): void {
  const fixed = of === "request" ? FIXED_REQUEST_FIELDS : FIXED_RESPONSE_FIELDS;
  const plainName = plainFieldName(name);
  if (of === "request" && plainName === "host") findings.problem(spot, "changes host: rewrite.host does that");
  else if (fixed.has(plainName)) {
    findings.problem(
      spot,
      `changes ${name}, which says how the message is sent or whence: the balancer does that itself`,
    );
  }
}
