/** How a source file must look: its length, its name, and what is said about its exports. */
import { basename, dirname } from "node:path/posix";
import type { SourceFile, Token } from "./source-tokens.ts";

/** Split a file that grows beyond this. */
export const MAX_LINES = 500;

/** Offences against the length of files. */
export function lengthOffences(files: readonly SourceFile[]): string[] {
  return files
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ path, lines }) => `${path}: ${lines} lines, at most ${MAX_LINES}`);
}

/** Paths that are not in kebab case. */
export function nameOffences(paths: readonly string[]): string[] {
  return paths.filter((path) =>
    path.split("/").some((part) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/.test(part)),
  );
}

interface Export {
  readonly name: string;
  readonly line: number;
  readonly documented: boolean;
  /** The tokens of the line before it belong to an export of one line as well. */
  readonly follows: boolean;
}

/**
 * Exports without a docstring. An export is documented by
 * - a docstring directly before it,
 * - the docstring of an export of the same name (a type beside its constant, an overload),
 * - the docstring of a block of one-line exports that it belongs to, without a blank line between,
 * - the docstring at the head of the file, if the file is named after the export (`timer-wheel.ts`: `TimerWheel`, `fleet/server.ts`: `FleetServer`).
 */
export function docstringOffences(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const exports = exportsOf(file);
    const headed = file.tokens[0]?.documented === true;
    const named = new Set(exports.filter(({ documented }) => documented).map(({ name }) => name));
    let covered = false;
    const offences: string[] = [];
    for (const { name, line, documented, follows } of exports) {
      covered = documented || (follows && covered);
      if (covered || named.has(name) || (headed && isNamedAfter(file.path, name))) continue;
      offences.push(`${file.path}:${line}: ${name} has no docstring`);
    }
    return offences;
  });
}

const MODIFIERS = ["async", "abstract", "declare", "default"];
const KINDS = ["const", "let", "function", "class", "interface", "type", "namespace"];

function exportsOf({ tokens }: SourceFile): Export[] {
  const found: Export[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i].text !== "export" || tokens[i].depth !== 0) continue;
    let at = i + 1;
    while (MODIFIERS.includes(tokens[at].text)) at++;
    if (tokens[at].text === "function" && tokens[at + 1].text === "*") at++;
    // `export { … }`, `export type { … }` and `export *` pass on what is documented elsewhere.
    else if (!KINDS.includes(tokens[at].text) || ["{", "*"].includes(tokens[at + 1].text)) continue;
    found.push({
      name: tokens[at + 1].text,
      line: tokens[i].line,
      documented: tokens[i].documented,
      follows: isOneLineExport(tokens, i),
    });
  }
  return found;
}

/** Does a one-line export end on the line before the token at `i`? */
function isOneLineExport(tokens: readonly Token[], i: number): boolean {
  const line = tokens[i].line - 1;
  if (tokens[i - 1]?.line !== line) return false;
  return tokens.find((token) => token.line === line)?.text === "export";
}

function isNamedAfter(path: string, name: string): boolean {
  const kebab = name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
  // A folder may say the first half of the name: `fleet/server.ts`, `processes/keeper.ts`.
  const [folder, file] = [basename(dirname(path)), basename(path, ".ts")];
  const full = [folder, folder.replace(/e?s$/, "")].map((role) => `-${role}-${file}`);
  return [`-${file}`, ...full].some((from) => from.endsWith(`-${kebab}`));
}
