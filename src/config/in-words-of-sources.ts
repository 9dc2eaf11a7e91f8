/** Sentences about settings in the words of the file that they stand in: the code knows them by their variables' names. */
import { DEFAULT_ORIGIN, type EffectiveSetting } from "./effective.ts";
import { filePath } from "./file-keys.ts";

/** Of places, those of configuration files have a line and a column. */
const IN_FILE = /:\d+:\d+$/;

/**
 * The sentence with the file's keys in place of variables, and at its end where they stand.
 * @param pathOf what the file calls the setting that the environment calls so; `null` = nothing.
 */
export function inWordsOfSources(
  sentence: string,
  effective: readonly Pick<EffectiveSetting, "env" | "origin">[],
  pathOf: (env: string) => string | null = filePath,
): string {
  const inBlock = placeInBlock(sentence, effective);
  if (inBlock !== null) return `${sentence} (${inBlock})`;
  const named = effective.filter(({ env }) => pathOf(env) !== null && new RegExp(`\\b${env}\\b`).test(sentence));
  const inFile = named.filter(({ origin }) => IN_FILE.test(origin));
  if (inFile.length === 0) return sentence;
  // Who writes a file would look there for what is unset, too.
  const names = new Set(
    named.filter((setting) => inFile.includes(setting) || setting.origin === DEFAULT_ORIGIN).map(({ env }) => env),
  );
  const told = sentence.replace(/\b[A-Z][A-Z0-9_]*\b/g, (name) => (names.has(name) ? pathOf(name)! : name));
  return `${told} (${inFile.map(({ env, origin }) => `${pathOf(env)} is at ${origin}`).join(", ")})`;
}

/** Where what the sentence is about stands, when it begins with the name of a pool's or a route's value. */
function placeInBlock(sentence: string, effective: readonly Pick<EffectiveSetting, "env" | "origin">[]): string | null {
  if (!/^(pools|routes)[.[]/.test(sentence)) return null;
  // There may be thousands of both.
  const name = sentence.slice(0, sentence.indexOf(": "));
  const found = effective.find(({ env }) => {
    return env.startsWith(name) && (env.length === name.length || /^(\[\d+\]|\.file)+$/.test(env.slice(name.length)));
  });
  return found === undefined ? null : `it is at ${found.origin}`;
}
