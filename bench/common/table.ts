/** Tables as plain text or Markdown. */

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The first column is text and stands left; the others are figures and stand right. */
export function renderTable({ title, columns, rows }: Table, markdown: boolean): string {
  const widths = columns.map((column, at) => Math.max(column.length, ...rows.map((cells) => cells[at].length)));
  const pad = (cell: string, at: number): string => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]));
  const line = (cells: readonly string[]): string =>
    markdown ? `| ${cells.map(pad).join(" | ")} |` : cells.map(pad).join("  ").trimEnd();
  const rule = widths.map((width, at) =>
    markdown && at > 0 ? `${"-".repeat(Math.max(1, width - 1))}:` : "-".repeat(width),
  );
  const heading = markdown ? `**${title}**\n` : title;
  return [heading, line(columns), line(rule), ...rows.map(line), ""].join("\n");
}
