import { describe, expect, test } from "bun:test";
import { LAYERED, type Layers, layerOffences } from "./layer-rules.ts";
import { readSources, sourceOf } from "./source-tokens.ts";

const SOURCES = readSources("src");

describe("layers", () => {
  for (const rule of LAYERED) {
    test(`of ${rule.folder}: imports run down`, () => {
      expect(layerOffences(rule, SOURCES)).toEqual([]);
    });

    test(`of ${rule.folder} are of folders and files that exist`, () => {
      const paths = SOURCES.map(({ path }) => path);
      for (const part of [...rule.layers.flat(), ...Object.keys(rule.everybody)]) {
        const place = rule.folder + part;
        expect(
          paths.some((path) => (part.endsWith("/") ? path.startsWith(place) : path === place)),
          place,
        ).toBe(true);
      }
    });

    const folders = rule.layers.map((parts) => parts.filter((part) => part.endsWith("/")));
    test.each(
      folders.flatMap((parts, at) => folders.slice(0, at).flatMap((above) => parts.map((part) => [part, above[0]]))),
    )(`of ${rule.folder}: %s may not import %s`, (part, above) => {
      if (above === undefined) return;
      const file = sourceOf(`${rule.folder}${part}fixture.ts`, `import type { X } from "../${above}x.ts";`);
      expect(layerOffences(rule, [file])).toHaveLength(1);
    });
  }

  const RULE: Layers = {
    folder: "src/x/",
    layers: [["a/"], ["e.ts"], ["b/", "c/"], ["d.ts"]],
    everybody: { "e.ts": "why" },
  };
  const offences = (path: string, from: string) => layerOffences(RULE, [sourceOf(path, `import "${from}";`)]);

  test("down, within a part, to what everybody may import and out of the folder is right", () => {
    for (const from of ["../b/x.ts", "../d.ts", "./y.ts", "../e.ts", "../../shared/x.ts", "node:fs"]) {
      expect(offences("src/x/a/f.ts", from)).toEqual([]);
    }
    expect(offences("src/x/d.ts", "./e.ts")).toEqual([]);
  });

  test("up and sideways is not, nor is a part without a place", () => {
    expect(offences("src/x/b/f.ts", "../a/x.ts")).toEqual(["src/x/b/f.ts:1: b/ imports a/, which stands above it"]);
    expect(offences("src/x/b/f.ts", "../c/x.ts")).toEqual(["src/x/b/f.ts:1: b/ imports c/, which stands beside it"]);
    expect(offences("src/x/d.ts", "./c/x.ts")).toEqual(["src/x/d.ts:1: d.ts imports c/, which stands above it"]);
    expect(offences("src/x/g/f.ts", "./h.ts")).toEqual(["src/x/g/f.ts: has no place in the layers of src/x/"]);
  });

  test("what everybody imports names types, and of those below it", () => {
    const said = (text: string) => layerOffences(RULE, [sourceOf("src/x/e.ts", text)]);
    expect(said('import type { B } from "./b/b.ts";')).toEqual([]);
    expect(said('import { B } from "./b/b.ts";')).toEqual([
      "src/x/e.ts:1: imports more than types, and everybody imports it",
    ]);
    expect(said('import type { A } from "./a/a.ts";')).toEqual([
      "src/x/e.ts:1: e.ts imports a/, which stands above it",
    ]);
  });
});
