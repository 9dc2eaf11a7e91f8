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
      for (const part of rule.layers.flat()) {
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
    layers: [["a/"], ["b/", "c/"], ["d.ts"]],
  };
  const offences = (path: string, from: string) => layerOffences(RULE, [sourceOf(path, `import "${from}";`)]);

  test("down, within a part and out of the folder is right", () => {
    for (const from of ["../b/x.ts", "../d.ts", "./y.ts", "../../shared/x.ts", "node:fs"]) {
      expect(offences("src/x/a/f.ts", from)).toEqual([]);
    }
  });

  test("up and sideways is not, nor is a part without a place", () => {
    expect(offences("src/x/b/f.ts", "../a/x.ts")).toEqual(["src/x/b/f.ts:1: b/ imports a/, which stands above it"]);
    expect(offences("src/x/b/f.ts", "../c/x.ts")).toEqual(["src/x/b/f.ts:1: b/ imports c/, which stands beside it"]);
    expect(offences("src/x/d.ts", "./c/x.ts")).toEqual(["src/x/d.ts:1: d.ts imports c/, which stands above it"]);
    expect(offences("src/x/g/f.ts", "./h.ts")).toEqual(["src/x/g/f.ts: has no place in the layers of src/x/"]);
  });
});
