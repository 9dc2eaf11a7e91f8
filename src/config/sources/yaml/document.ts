/** From YAML 1.2 to nodes with places: the one file that knows the library. Nothing of the text is repeated in problems. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

/** Where something stands: `neurabalancer.yaml:5:12`. */
export type Place = string;

/** What stands at a place. `null` in `text` = nothing, which counts as unset. */
export type YamlValue = { readonly place: Place } & (
  | { readonly kind: "text"; readonly text: string | null }
  /** Entries are looked at only when they are asked for: what aliases stand for is never copied. */
  | { readonly kind: "list"; readonly entries: readonly (() => YamlValue)[] }
  | { readonly kind: "map"; readonly entries: readonly YamlEntry[] }
  /** It cannot be used, and why. */
  | { readonly kind: "wrong"; readonly problem: string }
);

/** A key with its value. A key that is no text is empty. */
export interface YamlEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: () => YamlValue;
}

/** What a file says as a whole, or what is wrong with it as YAML. */
export type YamlDocument =
  | { readonly ok: true; readonly root: YamlValue }
  | { readonly ok: false; readonly problems: readonly string[] };

/** A file with more to mend than this is best begun anew. */
const MAX_PROBLEMS = 20;
const MAX_ALIASES = 100;

const TABS = "has a tab for indentation: YAML takes only spaces there";
const INDENTATION =
  "is indented in a way that belongs to nothing, or a bracket or quote above is not closed: compare it with the lines before";
const REFERENCE_IN_FLOW = "begins a mapping, as YAML sees it: within { } and [ ] put what begins with $ in quotes";
const COLON = 'has a second ":" on its line, or a line above is not finished: put a value with ": " in it in quotes';
const NO_ANCHOR =
  'begins with "*", by which YAML means an anchor (&…), and there is none above: put the value in quotes';
/** What the library finds, in our words. Its own may repeat what is written, which may be a secret. */
const SENTENCES: Readonly<Record<string, string>> = {
  BAD_DQ_ESCAPE: 'has an unknown escape in double quotes: write "\\\\" for a backslash, or use single quotes',
  BAD_INDENT: INDENTATION,
  BAD_SCALAR_START: "begins with a character that means something in YAML: put the value in quotes",
  BLOCK_AS_IMPLICIT_KEY: COLON,
  MULTILINE_IMPLICIT_KEY: COLON,
  BLOCK_IN_FLOW: "begins an indented block within [ ] or { }: close them first",
  KEY_OVER_1024_CHARS: "is a key of more than 1024 characters",
  MISSING_CHAR: "misses a character before this place: a quote, a bracket, a comma, or a space after the colon",
  MULTIPLE_DOCS: "begins a second document: a file of settings is one, remove the --- between",
  RESOURCE_EXHAUSTION: "is nested more deeply than any setting",
  TAB_AS_INDENT: TABS,
  UNEXPECTED_TOKEN: "is something that YAML does not expect here: look for a missing quote, bracket or colon",
};

/** Reads `text`; `label` names the file. */
export function readYaml(text: string, label: string): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    prettyErrors: false, // they repeat lines
    uniqueKeys: false, // said by who reads the keys, with both places; the library takes quadratic time for it
    lineCounter: lines,
  });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return `${label}:${line}:${col}`;
  };
  const { explicit, version } = document.directives?.yaml ?? {};
  const problems = new Set(
    explicit && version !== "1.2" ? [`${label}:1:1: must be YAML 1.2: remove the directive`] : [],
  );
  for (const { code, pos } of document.errors) {
    if (text.startsWith("${", pos[0] - 1)) {
      problems.add(`${at(pos[0])}: ${REFERENCE_IN_FLOW}`);
      break; // its bracket closes another: what follows comes of it
    }
    problems.add(`${at(pos[0])}: ${SENTENCES[code] ?? "is not YAML"}`);
    if (code === "RESOURCE_EXHAUSTION") break; // what follows comes of it
    if (problems.size === MAX_PROBLEMS) break;
  }
  if (problems.size > 0) return { ok: false, problems: [...problems] };
  return { ok: true, root: valueAt(document.contents, at(0), { document, at, aliases: 0 }) };
}

interface Context {
  readonly document: Document;
  readonly at: (offset: number) => Place;
  /** How many were followed. */
  aliases: number;
}

/** @param fallback where it would stand if it were there. */
function valueAt(node: unknown, fallback: Place, context: Context): YamlValue {
  const { range, tag } = (node ?? {}) as Partial<Node>;
  const place = range ? context.at(range[0]) : fallback;
  if (tag !== undefined) return { kind: "wrong", place, problem: "has a tag (!…): write the value alone" };
  if (isAlias(node)) {
    // Each is looked for from the beginning of the file.
    if (++context.aliases > MAX_ALIASES) {
      return { kind: "wrong", place, problem: `is one alias (*…) too many: the most is ${MAX_ALIASES}` };
    }
    const target = node.resolve(context.document);
    if (target === undefined) return { kind: "wrong", place, problem: NO_ANCHOR };
    return { ...valueAt(target, place, context), place };
  }
  if (isMap(node)) {
    const entries = node.items.map(({ key, value }): YamlEntry => {
      const keyPlace = context.at((key as Node).range?.[0] ?? 0);
      return { key: textOf(key) ?? "", place: keyPlace, value: () => valueAt(value, keyPlace, context) };
    });
    return { kind: "map", place, entries };
  }
  if (isSeq(node)) {
    return { kind: "list", place, entries: node.items.map((item) => () => valueAt(item, place, context)) };
  }
  return { kind: "text", place, text: textOf(node) };
}

/** A value as it was written: what it means is its setting's business, not YAML's (`0x10`, `1e3`, `yes`). */
function textOf(node: unknown): string | null {
  if (!isScalar(node)) return null;
  if (node.value === null && node.type === "PLAIN") return null;
  return node.type === "PLAIN" ? (node.source ?? String(node.value)) : String(node.value);
}
