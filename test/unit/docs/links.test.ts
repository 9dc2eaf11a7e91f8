/** Every relative link of every document leads to a file that is there, and to a heading that it has. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { anchors, relativeLinks } from "./links.ts";

const ROOT = join(import.meta.dir, "../../..");
const FOREIGN = new Set(["node_modules", "data"]);

/** All Markdown files, hidden folders and what others made left out. */
function documentsIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith(".") || FOREIGN.has(entry.name) ? [] : documentsIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

const DOCUMENTS = documentsIn("");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Links of a document with this text that lead nowhere. */
function broken(path: string, text: string): string[] {
  return relativeLinks(text).filter((link) => {
    const [file, anchor] = link.split("#", 2);
    const target = file === "" ? path : normalize(join(dirname(path), file));
    if (target === path) return anchor !== undefined && !anchors(text).has(anchor);
    if (target.startsWith("..") || !existsSync(join(ROOT, target))) return true;
    return anchor !== undefined && target.endsWith(".md") && !anchors(read(target)).has(anchor);
  });
}

describe("links of documents", () => {
  test.each(DOCUMENTS)("%s", (path) => {
    expect(broken(path, read(path))).toEqual([]);
  });

  test("docs/README.md lists every page", () => {
    const listed = new Set(relativeLinks(read("docs/README.md")));
    const pages = DOCUMENTS.filter((path) => dirname(path) === "docs" && path !== "docs/README.md");
    expect(pages.length).toBeGreaterThan(10);
    expect(pages.filter((path) => !listed.has(path.slice("docs/".length)))).toEqual([]);
  });

  test("what leads nowhere is found", () => {
    const text =
      "# A `b`, c!\n[a](#a-b-c) [b](#none) [c](gone.md#x) ![d](e.svg) `[f](g.md)` [h](https://i.example/j.md)";
    expect(broken("docs/k.md", text)).toEqual(["#none", "gone.md#x", "e.svg"]);
    expect(broken("docs/k.md", "[a](README.md#no-such-heading) [b](README.md#documentation) [c](../../etc)")).toEqual([
      "README.md#no-such-heading",
      "../../etc",
    ]);
    expect([...anchors("# One\n## One\n```\n# no\n```\n### [Two](x.md) – 3")]).toEqual(["one", "one-1", "two--3"]);
  });
});
