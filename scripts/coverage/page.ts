/** Coverage as pages for a browser: a list of folders and files, and each file with its lines. No script, nothing from elsewhere. */
import { dirname, relative } from "node:path/posix";
import { type Count, type FileCoverage, linesOf, percent, sum } from "./lcov.ts";

const STYLE = `
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .1rem .8rem .1rem 0; text-align: left; }
td + td, th + th { text-align: right; white-space: nowrap; }
tr.folder td { border-top: 1px solid #8886; font-weight: 600; padding-top: .5rem; }
meter { width: 8rem; }
pre { font: 12px/1.45 ui-monospace, monospace; overflow-x: auto; }
pre span { display: block; }
pre .ran { background: #2a72; }
pre .missed { background: #c333; }
pre i { display: inline-block; font-style: normal; opacity: .6; padding-right: 1rem; text-align: right; user-select: none; width: 6rem; }
`;

/** Where the page of a source file lies, beside index.html. */
export function pageOf(path: string): string {
  return `${path.replaceAll("../", "")}.html`;
}

/** The page with all files. @param title what was run. */
export function indexPage(files: readonly FileCoverage[], title: string): string {
  const folders = Map.groupBy(
    files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    ({ path }) => dirname(path),
  );
  const rows = [...folders].flatMap(([folder, its]) => [
    row(escaped(`${folder}/`), sum(its.map(linesOf)), sum(its.map(({ functions }) => functions)), "folder"),
    ...its.map((file) => {
      const link = `<a href="${escaped(encodeURI(pageOf(file.path)))}">${escaped(relative(folder, file.path))}</a>`;
      return row(link, linesOf(file), file.functions, "file");
    }),
  ]);
  const lines = sum(files.map(linesOf));
  const head = "<tr><th>File</th><th></th><th>Lines</th><th>of</th><th>Functions</th></tr>";
  return page(
    title,
    `<h1>Coverage: ${percent(lines)} of ${lines.found} lines</h1>
<p>${escaped(title)}. Counted is what ran in the tests' own processes; what they start as a process of its own is not.</p>
<table>${head}
${rows.join("\n")}
</table>`,
  );
}

/** The page of one file. @param source its text. */
export function filePage(file: FileCoverage, source: string): string {
  const lines = source.replace(/\n$/, "").split("\n");
  const shown = lines.map((text, i) => {
    const count = file.hits.get(i + 1);
    const kind = count === undefined ? "" : count > 0 ? "ran" : "missed";
    return `<span id="L${i + 1}" class="${kind}"><i>${count ?? ""}</i><i>${i + 1}</i>${escaped(text)}</span>`;
  });
  const up = "../".repeat(pageOf(file.path).split("/").length - 1);
  const count = linesOf(file);
  return page(
    file.path,
    `<p><a href="${up}index.html">All files</a></p>
<h1>${escaped(file.path)}</h1>
<p>${percent(count)} of ${count.found} lines. How often each ran stands before its number.</p>
<pre>${shown.join("")}</pre>`,
  );
}

function row(name: string, lines: Count, functions: Count, kind: string): string {
  const share = lines.found === 0 ? 1 : lines.hit / lines.found;
  const meter = `<meter value="${share.toFixed(3)}" low="0.7" high="0.9" optimum="1"></meter>`;
  const cells = [name, meter, percent(lines), String(lines.found), percent(functions)];
  return `<tr class="${kind}">${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>${body}</body></html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
