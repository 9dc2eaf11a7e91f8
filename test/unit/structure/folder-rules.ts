/** How files lie in folders: a folder is a role, no prefix is one, and tests lie where their source does. */
import { basename, dirname } from "node:path/posix";

/** More files than this side by side are no longer seen at a glance. */
export const MAX_FILES = 24;
/** So many files with one first word are a folder. */
export const MIN_FAMILY = 3;

/** Folders that are lists rather than roles. */
export const LISTS: Readonly<Record<string, string>> = {
  "test/regressions": "one file for each bug",
};

/** Folders of tests about something else than a folder of src/. */
export const OTHER_TESTS: Readonly<Record<string, string>> = {
  bench: "the benchmarks' own arithmetic",
  configs: "files for the tools of an operator's stack",
  deployments: "what installs it elsewhere",
  docs: "what documents say",
  scripts: "the scripts beside the product",
  structure: "what holds for all source files",
  workflows: "what runs at GitHub",
};

/** A folder of a suite that several implementations pass may stand where theirs do. */
const CONTRACT = "contract";

/** Folders with too many files side by side. */
export function crowdOffences(paths: readonly string[]): string[] {
  return [...byFolder(paths)]
    .filter(([folder, names]) => names.length > MAX_FILES && !(folder in LISTS))
    .map(([folder, names]) => `${folder}: ${names.length} files side by side, at most ${MAX_FILES}`);
}

/** Files of one folder that begin with the same word: a folder would say it once. A file and its test count as one. */
export function prefixOffences(paths: readonly string[]): string[] {
  return [...byFolder(paths)].flatMap(([folder, names]) => {
    if (folder in LISTS) return [];
    const families = new Map<string, Set<string>>();
    for (const name of names) {
      const stem = name.split(".")[0];
      const first = stem.split("-")[0];
      families.set(first, (families.get(first) ?? new Set()).add(stem));
    }
    return [...families]
      .filter(([, stems]) => stems.size >= MIN_FAMILY)
      .map(([first, stems]) => `${folder}: ${[...stems].sort().join(", ")}: make it a folder ${first}/`);
  });
}

/** Folders of unit and integration tests that mirror no folder of src/. */
export function mirrorOffences(tests: readonly string[], sources: readonly string[]): string[] {
  const known = new Set(sources.flatMap((path) => foldersOf(path.slice("src/".length))));
  const tiers = new Set(tests.flatMap((path) => /^test\/(unit|integration)\/(.+)$/.exec(path)?.[2] ?? []));
  const folders = new Set([...tiers].flatMap(foldersOf));
  const isRight = (folder: string) => known.has(folder) || known.has(folder.split(`/${CONTRACT}`)[0]);
  return [...folders].filter((folder) => !isRight(folder) && !(folder.split("/")[0] in OTHER_TESTS)).sort();
}

function byFolder(paths: readonly string[]): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const path of paths) folders.set(dirname(path), [...(folders.get(dirname(path)) ?? []), basename(path)]);
  return folders;
}

/** `a/b/c.ts`: `a`, `a/b`. */
function foldersOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, at) => parts.slice(0, at + 1).join("/"));
}
