/** The page is TSX, which the scanner of the other rules does not read: its imports stand at the head of each file, and are enough. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { importCycles } from "./cycle-rules.ts";
import { crowdOffences, prefixOffences } from "./folder-rules.ts";
import { importsOf } from "./import-rules.ts";
import { lengthOffences, nameOffences } from "./shape-rules.ts";
import { ROOT, type SourceFile, sourceOf } from "./source-tokens.ts";

const PAGE = "src/dashboard/page";
const LIBRARIES = ["preact", "preact/hooks", "@preact/signals", "uplot"];
const texts = readdirSync(join(ROOT, PAGE), { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => [`${PAGE}/${name}`, readFileSync(join(ROOT, PAGE, name), "utf8")] as const);
/** Their imports alone. */
const heads = texts.map(([path, text]): SourceFile => sourceOf(path, importLines(text)));

/** Statements of `import`, one line or several. */
function importLines(text: string): string {
  return (text.match(/^import [^;]*;$/gm) ?? []).join("\n");
}

/** What the page must not know of. */
function strangers(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    importsOf(file)
      .filter(({ file: to, specifier }) => {
        if (to === null) return !LIBRARIES.includes(specifier);
        return !to.startsWith(`${PAGE}/`) && !to.startsWith("src/shared/");
      })
      .map(({ specifier }) => `${file.path}: ${specifier}`),
  );
}

test("the page knows itself, its libraries, and of the product the types that both share", () => {
  expect(heads.length).toBeGreaterThan(50);
  expect(strangers(heads)).toEqual([]);
  const wrong = 'import { x } from "../../control/fleet/fleet.ts";\nimport react from "react";';
  expect(strangers([sourceOf(`${PAGE}/a.ts`, wrong)])).toHaveLength(2);
});

test("what it shares with the product are types: no code of the supervisor's is in its bundle", () => {
  const code = texts.flatMap(([path, text]) =>
    (text.match(/^import [^;]*;$/gm) ?? [])
      .filter((line) => line.includes("shared/") && !line.startsWith("import type"))
      .map((line) => `${path}: ${line}`),
  );
  expect(code).toEqual([]);
});

test("its files import each other in no circle", () => {
  expect(importCycles(heads)).toEqual([]);
});

test("its files say at their head what they are for, are short, and lie in folders that are roles", () => {
  expect(texts.filter(([, text]) => !text.startsWith("/**")).map(([path]) => path)).toEqual([]);
  expect(lengthOffences(texts.map(([path, text]) => ({ path, text, tokens: [] })))).toEqual([]);
  const paths = texts.map(([path]) => path);
  expect([...nameOffences(paths), ...crowdOffences(paths), ...prefixOffences(paths)]).toEqual([]);
});

test("every export says what it is", () => {
  const silent = texts.flatMap(([path, text]) => {
    const lines = text.split("\n");
    return lines.flatMap((line, at) =>
      /^export (async )?(function|const|class|interface|type) /.test(line) &&
      !/\*\/$/.test(lines[at - 1] ?? "") &&
      !isHeaded(path, line)
        ? [`${path}: ${line}`]
        : [],
    );
  });
  expect(silent).toEqual([]);
});

/** A class that the file is named after has the file's docstring. */
function isHeaded(path: string, line: string): boolean {
  const name = /^export class (\w+)/.exec(line)?.[1];
  if (name === undefined) return false;
  const kebab = name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
  return path.endsWith(`/${kebab}.ts`) || path.endsWith(`/${kebab.replace(/^api-/, "")}.ts`);
}
