/** values.yaml of the chart, read with its comments: what its schema and the table in its README are made of. */
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from "yaml";

/** A value of the chart, or a mapping of values. */
export interface ChartValue {
  /** As `--set` has it: `image.tag`. */
  readonly path: string;
  /** What stands behind `# --` above it; "" = nothing. */
  readonly doc: string;
  /** The default, without comments. */
  readonly value: unknown;
  /** Of a mapping whose keys are the chart's; empty for what is a value to users. */
  readonly inner: readonly ChartValue[];
}

/**
 * Values in the order of the file. A mapping is one of the chart's own where its keys have comments of their own, or it has
 * none itself; else it is a value, such as a probe. Throws when the text is no YAML, or a value has no comment.
 */
export function readValues(text: string): readonly ChartValue[] {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new Error(`values.yaml: ${error.message}`);
  if (!isMap(document.contents)) throw new Error("values.yaml holds no mapping");
  return entries(document.contents as YAMLMap, "");
}

function entries(map: YAMLMap, prefix: string): readonly ChartValue[] {
  return map.items.map((item) => {
    const pair = item as Pair;
    if (!isScalar(pair.key)) throw new Error(`values.yaml: a key below ${prefix || "the top"} is no word`);
    const path = `${prefix}${pair.key.value}`;
    const doc = docOf(pair.key.commentBefore ?? (map.items[0] === item ? map.commentBefore : undefined));
    const isOwn = isMap(pair.value) && pair.value.items.length > 0 && doc === "";
    if (isOwn) return { path, doc, value: null, inner: entries(pair.value as YAMLMap, `${path}.`) };
    if (doc === "") throw new Error(`values.yaml: ${path} has no comment (# -- …)`);
    const value = isMap(pair.value) || !isScalar(pair.value) ? (pair.value as YAMLMap).toJSON() : pair.value.value;
    return { path, doc, value, inner: [] };
  });
}

/** The last `# -- …` of a comment. */
function docOf(comment: string | null | undefined): string {
  const lines = (comment ?? "").split("\n").map((line) => line.trim());
  const begin = lines.findLastIndex((line) => line.startsWith("-- "));
  return begin < 0 ? "" : lines.slice(begin).join(" ").slice("-- ".length);
}
