/** One word for one thing: words that were given up for another one stay given up in names. */
import { basename } from "node:path/posix";
import type { SourceFile } from "./source-tokens.ts";

/** A word that names no longer have. */
export interface RetiredWord {
  readonly words: readonly string[];
  readonly use: string;
  /** Folders and files whose names must not have it. */
  readonly where: readonly string[];
  readonly why: string;
}

/** The words. */
export const RETIRED: readonly RetiredWord[] = [
  {
    words: ["surface", "surfaces"],
    use: "table",
    where: ["src/", "test/", "bench/", "scripts/"],
    why: "what the learner publishes is a table of costs",
  },
  {
    words: ["answer", "answers"],
    use: "response",
    where: [
      "src/backend/",
      "src/balancing/",
      "src/control/fleet/",
      "src/demo/",
      "src/health/",
      "src/learning/models/remote/",
      "src/model-server/",
      "src/proxy/",
    ],
    why: "HTTP has requests and responses (RFC 9110); answers are what questions get: the resolver's, the learner's",
  },
  {
    words: ["pool", "pools", "pooled"],
    use: "upstream, or what it is of",
    where: ["src/proxy/upstream/", "src/proxy/sockets/", "src/proxy/http1/", "src/simulator/"],
    why: "a pool is a set of servers; the connections to one of them are its upstream",
  },
];

/** Names in code and of files that have a retired word, as `path:line: name: …`. */
export function vocabularyOffences(files: readonly SourceFile[], retired: readonly RetiredWord[] = RETIRED): string[] {
  return files.flatMap((file) =>
    retired
      .filter(({ where }) => where.some((place) => file.path.startsWith(place)))
      .flatMap(({ words, use }) => {
        const isRetired = (name: string) => wordsOf(name).some((word) => words.includes(word));
        const names = file.tokens.filter(({ text }) => /^#?[A-Za-z_$]/.test(text) && isRetired(text));
        const places = new Map(names.map(({ text, line }) => [text, `${file.path}:${line}: ${text}`]));
        if (isRetired(basename(file.path))) places.set("", file.path);
        return Array.from(places.values(), (place) => `${place}: the word is ${use}`);
      }),
  );
}

/** `#mostAnswers`, `MAX_ANSWER_BYTES`, `early-responses.test.ts`: their words, in lower case. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
}
