/** Links of Markdown documents, and the anchors that they may point to, as GitHub makes them. */

/** Where a document's links and pictures lead, other sites left out: `page.md`, `page.md#part`, `#part`. */
export function relativeLinks(document: string): string[] {
  return [...withoutCode(document).matchAll(/\]\(([^)\s]+)[^)]*\)/g)]
    .map((match) => match[1])
    .filter((link) => !/^\w+:/.test(link));
}

/** The anchors of a document's headings: the second of two alike has `-1` at its end. */
export function anchors(document: string): Set<string> {
  const found = new Set<string>();
  for (const [, title] of withoutCode(document, false).matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const text = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = text.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let number = 1; found.has(anchor); number++) anchor = `${slug}-${number}`;
    found.add(anchor);
  }
  return found;
}

/** What stands in code blocks, and for links between back quotes, is an example. */
function withoutCode(document: string, spans = true): string {
  const text = document.replaceAll(/^```.*?^```/gms, "");
  return spans ? text.replaceAll(/`[^`\n]*`/g, "") : text;
}
