/**
 * The texts of the configuration that ran last, for `serve --last-good`: one file in `DATA_DIR`, readable by its owner alone,
 * because files of settings may hold secrets.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { replaceFileSync } from "../../shared/files/replace-file.ts";
import type { SourceFile } from "./source.ts";
import { readText } from "./text.ts";

/** Files of settings as they were read; `null` = there was none. */
export interface KeptSources {
  readonly env: SourceFile | null;
  readonly config: SourceFile | null;
}

/** Its name in `DATA_DIR`. */
export const LAST_GOOD_FILE = "last-good-configuration.json";

const FORMAT = 1;
/** Both files at their largest, with every character escaped. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Keeps the texts, if there are any, in place of those kept before. Throws the file system's errors. */
export function keepSources(directory: string, sources: KeptSources): void {
  const path = join(directory, LAST_GOOD_FILE);
  if (sources.env === null && sources.config === null && !existsSync(path)) return;
  const { env, config } = sources;
  mkdirSync(directory, { recursive: true });
  replaceFileSync(path, `${JSON.stringify({ format: FORMAT, env, config })}\n`, { mode: 0o600 });
}

/** What was kept; `null` = nothing. Throws an `Error` made for the operator when it cannot be read. */
export function readKeptSources(directory: string): KeptSources | null {
  const path = join(directory, LAST_GOOD_FILE);
  if (!existsSync(path)) return null;
  let text: string;
  try {
    text = readText(path, MAX_BYTES);
  } catch (error) {
    throw new Error(path + (error as Error).message);
  }
  const kept = parse(text);
  if (kept === null) throw new Error(`${path}: is damaged, or of another version`);
  return kept;
}

function parse(text: string): KeptSources | null {
  try {
    const { format, env, config } = JSON.parse(text) as Record<string, unknown>;
    return format === FORMAT && isFile(env) && isFile(config) ? { env, config } : null;
  } catch {
    return null;
  }
}

function isFile(value: unknown): value is SourceFile | null {
  if (value === null) return true;
  if (typeof value !== "object") return false;
  const { path, text } = value as Partial<SourceFile>;
  return typeof path === "string" && typeof text === "string";
}
