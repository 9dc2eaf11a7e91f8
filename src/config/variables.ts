/** The variables that a configuration is read from: the real environment over a `.env` file. */
import { existsSync, readFileSync } from "node:fs";
import { parseEnvFile } from "./env-file.ts";

/** One variable that is set. */
export interface Variable {
  readonly name: string;
  readonly value: string;
  /** `environment`, or where in a file: `.env line 3`. */
  readonly origin: string;
  readonly inFile: boolean;
}

/** Where a configuration comes from. */
export interface ConfigSources {
  /** The real environment; it wins. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a `.env` file; `null` = none. It may be missing, unless `envFileRequired`. */
  readonly envFilePath: string | null;
  readonly envFileRequired?: boolean;
}

/** A sentence about a variable: its name, where it was set and what is wrong; its value when `shown` gives it. */
export function complain({ name, origin }: Variable, message: string, shown = ""): string {
  return `${name}${shown && `=${shown}`} (${origin}): ${message}`;
}

/** A value as an error may show it. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}

/** Reads both sources. An empty value counts as unset: container tools pass unset variables on as empty ones. */
export function readVariables(sources: ConfigSources): {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly problems: readonly string[];
} {
  const variables = new Map<string, Variable>();
  const problems: string[] = [];
  if (sources.envFilePath !== null) {
    const file = readEnvFile(sources.envFilePath, sources.envFileRequired === true);
    problems.push(...file.problems);
    for (const [name, { value, line }] of file.entries) {
      if (value !== "")
        variables.set(name, { name, value, origin: `${sources.envFilePath} line ${line}`, inFile: true });
    }
  }
  for (const [name, value] of Object.entries(sources.env)) {
    if (value?.trim()) variables.set(name, { name, value, origin: "environment", inFile: false });
  }
  return { variables, problems };
}

function readEnvFile(path: string, required: boolean): ReturnType<typeof parseEnvFile> {
  if (!existsSync(path)) {
    return { entries: new Map(), problems: required ? [`${path}: there is no such file`] : [] };
  }
  try {
    return parseEnvFile(readFileSync(path, "utf8"), path);
  } catch (error) {
    return { entries: new Map(), problems: [`${path}: cannot be read: ${(error as Error).message}`] };
  }
}
