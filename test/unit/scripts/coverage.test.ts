import { describe, expect, test } from "bun:test";
import { linesOf, mergeLcov, parseLcov, percent, sum } from "../../../scripts/coverage/lcov.ts";
import { filePage, indexPage, pageOf } from "../../../scripts/coverage/page.ts";

const REPORT = "TN:\nSF:src/a/b.ts\nFNF:4\nFNH:3\nDA:1,5\nDA:3,0\nLF:2\nLH:1\nend_of_record\n";
const OTHER = "TN:\nSF:src/a/b.ts\nFNF:4\nFNH:2\nDA:3,2\nDA:4,0\nend_of_record\nSF:src/c.ts\nDA:1,0\nend_of_record\n";

describe("a report of coverage", () => {
  test("has how often each line ran", () => {
    const file = parseLcov(REPORT).get("src/a/b.ts")!;
    expect([...file.hits]).toEqual([
      [1, 5],
      [3, 0],
    ]);
    expect([linesOf(file), file.functions]).toEqual([
      { found: 2, hit: 1 },
      { found: 4, hit: 3 },
    ]);
  });

  test("of several runs is added up", () => {
    const files = mergeLcov([REPORT, OTHER]);
    expect([...files.keys()]).toEqual(["src/a/b.ts", "src/c.ts"]);
    const both = files.get("src/a/b.ts")!;
    expect(Object.fromEntries(both.hits)).toEqual({ 1: 5, 3: 2, 4: 0 });
    expect(both.functions).toEqual({ found: 4, hit: 3 });
    expect(sum([...files.values()].map(linesOf))).toEqual({ found: 4, hit: 2 });
  });

  test("that was cut off within a line is refused, with the line", () => {
    expect(() => parseLcov("SF:src/a.ts\nDA:1,x\n")).toThrow("line 2 of the report: DA:1,x");
  });

  test("is never rounded up to all", () => {
    expect(percent({ found: 10_000, hit: 9_999 })).toBe("99.9 %");
    expect(percent({ found: 3, hit: 3 })).toBe("100.0 %");
    expect(percent({ found: 0, hit: 0 })).toBe("100 %");
  });
});

describe("its pages", () => {
  const files = [...mergeLcov([REPORT, OTHER]).values()];

  test("list folders and files, with links", () => {
    const page = indexPage(files, "<unit>");
    expect(page).toContain("<h1>Coverage: 50.0 % of 4 lines</h1>");
    expect(page).toContain('<a href="src/a/b.ts.html">b.ts</a>');
    expect(page).toContain("&#60;unit&#62;");
    expect(page).not.toMatch(/<script|https?:/);
  });

  test("show a file's lines, and nothing in them is markup", () => {
    const page = filePage(files[0], 'const a = "<b>";\n\nif (a) {\n}\n');
    expect(page).toContain('<span id="L1" class="ran"><i>5</i><i>1</i>const a = &#34;&#60;b&#62;&#34;;</span>');
    expect(page).toContain('<span id="L2" class=""><i></i><i>2</i></span>');
    expect(page).toContain('<span id="L4" class="missed"><i>0</i>');
    expect(page).toContain('href="../../index.html"');
    expect(pageOf(files[0].path)).toBe("src/a/b.ts.html");
  });
});
