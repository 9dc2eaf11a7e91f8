import { describe, expect, test } from "bun:test";
import { readSources, sourceOf } from "./source-tokens.ts";
import { RETIRED, vocabularyOffences } from "./vocabulary-rules.ts";

const SOURCES = ["src", "test", "bench", "scripts"].flatMap(readSources);

describe("words that were given up", () => {
  test("are in no name", () => {
    expect(vocabularyOffences(SOURCES)).toEqual([]);
  });

  test("are looked for in places that exist", () => {
    for (const place of RETIRED.flatMap(({ where }) => where)) {
      expect(
        SOURCES.some(({ path }) => path.startsWith(place)),
        place,
      ).toBe(true);
    }
  });

  const RULE = [{ words: ["surface"], use: "table", where: ["src/a/"], why: "a fixture" }];
  const offences = (path: string, text: string) => vocabularyOffences([sourceOf(path, text)], RULE);

  test.each(["surface", "#surface", "costSurface", "SURFACE_MODELS", "Surface", "of_surface"])(
    "%s is found",
    (name) => {
      expect(offences("src/a/b.ts", `\nx.${name} = 1;`)).toEqual([`src/a/b.ts:2: ${name}: the word is table`]);
    },
  );

  test("they are found in the names of files", () => {
    expect(offences("src/a/cost-surface.ts", "")).toEqual(["src/a/cost-surface.ts: the word is table"]);
  });

  test("elsewhere, in texts and as parts of other words they are none of its business", () => {
    expect(offences("src/b/c.ts", "surface = 1;")).toEqual([]);
    expect(offences("src/a/b.ts", '// surface\nconst resurfaced = "surface", table = `surface`;')).toEqual([]);
  });
});
