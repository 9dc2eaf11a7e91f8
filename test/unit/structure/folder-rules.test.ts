import { describe, expect, test } from "bun:test";
import { crowdOffences, MAX_FILES, mirrorOffences, prefixOffences } from "./folder-rules.ts";
import { readSources } from "./source-tokens.ts";

const PATHS = ["src", "test", "bench", "scripts"].flatMap(readSources).map(({ path }) => path);
const under = (folder: string) => PATHS.filter((path) => path.startsWith(folder));

describe("folders", () => {
  test(`have at most ${MAX_FILES} files side by side`, () => {
    expect(crowdOffences(PATHS)).toEqual([]);
    const crowd = Array.from({ length: MAX_FILES + 1 }, (_, i) => `src/a/${i}.ts`);
    expect(crowdOffences([...crowd.slice(1), "src/a/b/c.ts"])).toEqual([]);
    expect(crowdOffences(crowd)).toEqual([`src/a: ${MAX_FILES + 1} files side by side, at most ${MAX_FILES}`]);
    expect(crowdOffences(crowd.map((path) => path.replace("src/a", "test/regressions")))).toEqual([]);
  });

  test("stand where files would begin with the same word", () => {
    expect(prefixOffences(PATHS)).toEqual([]);
    const family = ["src/a/metrics.ts", "src/a/metrics-docs.ts", "src/a/metrics-text.ts", "src/a/metricsx.ts"];
    expect(prefixOffences(family)).toEqual(["src/a: metrics, metrics-docs, metrics-text: make it a folder metrics/"]);
    expect(prefixOffences(family.slice(1))).toEqual([]);
    expect(prefixOffences(["test/a/b.test.ts", "test/a/b.ts", "test/a/b-c.test.ts"])).toEqual([]);
  });

  test("of tests mirror those of the source", () => {
    expect(mirrorOffences(under("test/"), under("src/"))).toEqual([]);
    const sources = ["src/a/b/c.ts", "src/main.ts"];
    expect(mirrorOffences(["test/unit/a/x.test.ts", "test/integration/a/b/x.test.ts"], sources)).toEqual([]);
    expect(mirrorOffences(["test/unit/a/b/contract/reads.ts"], sources)).toEqual([]);
    expect(mirrorOffences(["test/unit/docs/x.test.ts", "test/drill/y/x.test.ts"], sources)).toEqual([]);
    expect(mirrorOffences(["test/unit/b/x.test.ts", "test/integration/a/c/x.ts"], sources)).toEqual(["a/c", "b"]);
    expect(mirrorOffences(["test/unit/b/contract/x.ts"], sources)).toEqual(["b", "b/contract"]);
  });
});
