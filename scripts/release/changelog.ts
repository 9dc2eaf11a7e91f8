/** What CHANGELOG.md says of one version, as the page of a release shows it. Pure. */

/** The section of one version. */
export interface Section {
  readonly version: string;
  /** `2026-11-30`. */
  readonly date: string;
  /** Markdown without the heading of the section, as it stands in the file. */
  readonly body: string;
}

/** Whose files a link without a host means. */
export interface Origin {
  /** `owner/name` on GitHub. */
  readonly repository: string;
  /** `v0.2.0`. */
  readonly tag: string;
}

/** GitHub takes no longer text for a release. */
export const MAX_CHARACTERS = 125_000;

/** @throws when the version has no section, no date of the form YYYY-MM-DD, or an empty section. */
export function sectionOf(changelog: string, version: string): Section {
  const lines = changelog.split("\n");
  const start = lines.findIndex((line) => line.startsWith(`## [${version}]`));
  if (start === -1) throw new Error(`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD"`);
  const date = /^## \[[^\]]+\] - (\d{4}-\d{2}-\d{2})$/.exec(lines[start].trimEnd())?.[1];
  if (date === undefined) {
    throw new Error(`CHANGELOG.md, line ${start + 1}: "${lines[start]}" should be "## [${version}] - YYYY-MM-DD"`);
  }
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith("## "));
  const body = lines.slice(start + 1, length === -1 ? undefined : start + 1 + length).join("\n");
  if (body.trim() === "") throw new Error(`CHANGELOG.md, line ${start + 1}: the section of ${version} is empty`);
  return { version, date, body: body.trim() };
}

/**
 * The text of a release: GitHub breaks lines where the text does, so that a paragraph has to be one line there, and shows it
 * on a page from which links into the repository would lead nowhere. Longer than GitHub takes, it ends at a whole line, with
 * a link to the rest.
 */
export function releaseNotes(section: Section, origin: Origin): string {
  const notes = withFullLinks(unwrap(section.body), origin);
  if (notes.length <= MAX_CHARACTERS) return `${notes}\n`;
  const rest = `\n\nThe rest stands in ${fileUrl(origin, "CHANGELOG.md")}\n`;
  const room = MAX_CHARACTERS - rest.length;
  return notes.slice(0, notes.lastIndexOf("\n", room)).trimEnd() + rest;
}

/** Joins what was wrapped at the width of the file: a line that goes on the paragraph or the point before it. */
export function unwrap(markdown: string): string {
  const joined: string[] = [];
  let isCode = false;
  for (const line of markdown.split("\n")) {
    const isFence = /^\s*(```|~~~)/.test(line);
    const before = joined.at(-1);
    const goesOn = before !== undefined && !isCode && !isFence && !beginsBlock(line) && !endsBlock(before);
    if (goesOn) joined[joined.length - 1] = `${before} ${line.trim()}`;
    else joined.push(line.trimEnd());
    if (isFence) isCode = !isCode;
  }
  return joined.join("\n");
}

/** An empty line, a heading, a point of a list, a row of a table, a quotation, a rule. */
function beginsBlock(line: string): boolean {
  return /^\s*($|#{1,6} |[-*+] |\d+[.)] |\||>|-{3,}$)/.test(line);
}

/** Nothing goes on from these. */
function endsBlock(line: string): boolean {
  return /^\s*($|#{1,6} |\||(```|~~~)|-{3,}$)/.test(line);
}

function withFullLinks(markdown: string, origin: Origin): string {
  return markdown.replace(/\]\((?![a-z]+:|#)([^)\s]+)\)/g, (_, path: string) => `](${fileUrl(origin, path)})`);
}

function fileUrl({ repository, tag }: Origin, path: string): string {
  return `https://github.com/${repository}/blob/${tag}/${path}`;
}
