/** What documents for people say about the code, so far as a program can check it. */

/** Failure codes that a document does not have in a table's first column. */
export function missingRows(document: string, names: readonly string[]): string[] {
  const rows = new Set([...document.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]));
  return names.filter((name) => !rows.has(name));
}

/** Names that a document nowhere has in back quotes. */
export function unmentioned(document: string, names: readonly string[]): string[] {
  return names.filter((name) => !document.includes(`\`${name}\``));
}

/** Metrics (`neurabalancer_…`) that a document speaks of and that are not among the known ones; recorded series are not looked at. */
export function unknownMetrics(document: string, known: ReadonlySet<string>): string[] {
  const spoken = [...document.matchAll(/(?<![\w:])neurabalancer_[a-z0-9_]+/g)].map((match) => match[0]);
  return [...new Set(spoken)].filter((name) => !known.has(name));
}

/** Settings in back quotes (`UPPER_CASE`, maybe with a value) that are not among the known ones. */
export function unknownSettings(document: string, known: ReadonlySet<string>): string[] {
  const spoken = [...document.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)].map((match) => match[1]);
  return [...new Set(spoken)].filter((name) => !known.has(name));
}

/** Files that a document names in back quotes: with a folder, or a source file alone. */
export function namedFiles(document: string): string[] {
  return [...document.matchAll(/`([\w./-]+\.(?:ts|mjs|md))`/g)].map((match) => match[1]);
}
