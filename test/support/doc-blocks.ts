/** Examples in documents, as tests take them out. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");

/** A block of code of one language, and the line on which it begins. */
export interface DocBlock {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

/** All blocks of code of a document, in order; `path` is relative to the repository. */
export function blocksOf(path: string): DocBlock[] {
  const text = readFileSync(join(ROOT, path), "utf8");
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map((match) => {
    return { language: match[1], line: text.slice(0, match.index).split("\n").length + 1, text: match[2] };
  });
}
