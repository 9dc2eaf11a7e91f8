import { describe, expect, test } from "bun:test";
import { importCycles } from "./cycle-rules.ts";
import { readSources, sourceOf } from "./source-tokens.ts";

describe("imports make no circle", () => {
  test("among the files of src/, types included", () => {
    expect(importCycles(readSources("src"))).toEqual([]);
  });

  const files = (graph: Readonly<Record<string, readonly string[]>>) =>
    Object.entries(graph).map(([path, to]) =>
      sourceOf(`src/${path}`, to.map((name) => `import type { X } from "./${name}";`).join("\n")),
    );

  test("circles are found, and named file by file", () => {
    expect(importCycles(files({ "a.ts": ["b.ts"], "b.ts": ["a.ts"] }))).toEqual(["src/a.ts → src/b.ts → src/a.ts"]);
    expect(importCycles(files({ "a.ts": ["a.ts"] }))).toEqual(["src/a.ts → src/a.ts"]);
    expect(
      importCycles(files({ "a.ts": ["b.ts", "c.ts"], "b.ts": ["d.ts"], "c.ts": ["a.ts"], "d.ts": ["c.ts"] })),
    ).toEqual(["src/a.ts → src/c.ts → src/a.ts (and 2 more that hang together with them)"]);
    expect(
      importCycles(files({ "a.ts": ["b.ts"], "b.ts": ["a.ts", "c.ts"], "c.ts": ["d.ts"], "d.ts": ["c.ts"] })),
    ).toEqual(["src/c.ts → src/d.ts → src/c.ts", "src/a.ts → src/b.ts → src/a.ts"]);
  });

  test("what only looks like one is none", () => {
    expect(importCycles(files({ "a.ts": ["b.ts", "c.ts"], "b.ts": ["c.ts"], "c.ts": ["nowhere.ts"] }))).toEqual([]);
    expect(importCycles([sourceOf("src/a.ts", '// import "./a.ts";\nimport "node:fs";')])).toEqual([]);
  });
});
