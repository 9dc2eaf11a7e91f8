/**
 * A strict reader of `.env` files. One `NAME=value` a line; `#` begins a comment at the start of a line or after a
 * space; `export ` before a name is allowed. Single quotes keep a value as it is, double quotes know \n, \t, \" and \\.
 * Nothing is expanded: `$` is a dollar sign. Whatever it does not understand is an error, with its line number.
 */
import { existsSync } from "node:fs";
import type { SettingsSource, SourceFile, SourceReading } from "./source.ts";
import { readText } from "./text.ts";

/** A value with the line it stands on. */
export interface EnvFileEntry {
  readonly value: string;
  readonly line: number;
}

/** What a file says, and each line that it did not understand as a sentence. */
export interface EnvFile {
  readonly entries: ReadonlyMap<string, EnvFileEntry>;
  readonly problems: readonly string[];
}

// Beyond shell identifiers, names may hold what a host name may: SERVER_WEIGHT_backend-1_8001, SERVER_WEIGHT_::1_8001.
const NAME = /^[A-Za-z_][A-Za-z0-9_.:[\]-]*$/;
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", '"': '"', "\\": "\\" };

/** As large as what a shell would take. */
const MAX_BYTES = 128 * 1024;

/** The file at `path`, which may be missing unless it is `required`. */
export function envFileSource(path: string, required = false): SettingsSource {
  let file: SourceFile | null = null;
  return {
    name: path,
    file: () => file,
    read() {
      file = null;
      if (!existsSync(path)) {
        return { variables: [], problems: required ? [`${path}: there is no such file`] : [] };
      }
      try {
        file = { path, text: readText(path, MAX_BYTES) };
      } catch (error) {
        return { variables: [], problems: [path + (error as Error).message] };
      }
      return readEnvText(file);
    },
  };
}

/** What such a file says, when its text is at hand. */
export function envTextSource(file: SourceFile): SettingsSource {
  return { name: file.path, file: () => file, read: () => readEnvText(file) };
}

function readEnvText({ path, text }: SourceFile): SourceReading {
  const { entries, problems } = parseEnvFile(text, path);
  const variables = Array.from(entries, ([name, { value, line }]) => {
    return { name, value, origin: `${path} line ${line}`, inFile: true };
  });
  return { variables: variables.filter(({ value }) => value !== ""), problems };
}

/** Reads the text of a file. `label` names the file in problems. */
export function parseEnvFile(text: string, label: string): EnvFile {
  const entries = new Map<string, EnvFileEntry>();
  const problems: string[] = [];
  for (const [index, raw] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    try {
      const { name, value } = parseLine(content.replace(/^export\s+/, ""));
      const first = entries.get(name);
      if (first) throw new Error(`${name} is set a second time (first on line ${first.line}): remove one`);
      entries.set(name, { value, line });
    } catch (error) {
      problems.push(`${label} line ${line}: ${(error as Error).message}`);
    }
  }
  return { entries, problems };
}

function parseLine(content: string): { name: string; value: string } {
  const at = content.indexOf("=");
  if (at < 0) throw new Error('has no "=": write NAME=value, or begin a comment with #');
  const name = content.slice(0, at);
  if (!NAME.test(name.trim())) {
    // What is clearly no mistyped name is not repeated: it may be a line of a key or of a password.
    const shown = /^[\w.-]{0,16}$/.test(name) ? `"${name}"` : 'what stands before "="';
    throw new Error(`${shown} is not a name: letters, digits and underscores are allowed`);
  }
  if (name !== name.trim()) throw new Error(`has a space before "=": write ${name.trim()}=value`);
  return { name, value: parseValue(name, content.slice(at + 1).trim()) };
}

function parseValue(name: string, text: string): string {
  const quote = text[0];
  if (quote !== '"' && quote !== "'") return text.replace(/(^|\s+)#.*$/, "");
  let value = "";
  for (let i = 1; i < text.length; i++) {
    const char = text[i];
    if (char === quote) {
      const rest = text.slice(i + 1);
      if (!/^\s*(#.*)?$/.test(rest)) throw new Error(`${name} has text after the closing quote`);
      return value;
    }
    if (char === "\\" && quote === '"') {
      const escaped = ESCAPES[text[++i]];
      if (escaped === undefined) throw new Error(`${name} has an unknown escape: \\n, \\t, \\" and \\\\ are known`);
      value += escaped;
    } else value += char;
  }
  throw new Error(`${name} has no closing ${quote} on the same line`);
}
