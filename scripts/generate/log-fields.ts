/** Writes the table of docs/logs.md from the fields that lines of the access log have. */
import {
  ACCESS_LOG_FIELD_NAMES,
  ACCESS_LOG_FIELDS,
  DEFAULT_ACCESS_LOG_FIELDS,
} from "../../src/shared/access-log-fields.ts";

/** Between these lines of the document is what is made here. */
const BEGIN = "<!-- fields:begin -->";
const END = "<!-- fields:end -->";

/** The document with a fresh table. Throws when it has lost its marks. */
export function withFieldTable(document: string): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/logs.md needs the lines ${BEGIN} and ${END}`);
  const rows = ACCESS_LOG_FIELD_NAMES.map((name) => {
    const byDefault = DEFAULT_ACCESS_LOG_FIELDS.includes(name) ? "" : " By wish.";
    return `| \`${name}\` | ${`${ACCESS_LOG_FIELDS[name]}${byDefault}`.trim()} |`;
  });
  const table = ["| Field | What it says |", "|---|---|", ...rows].join("\n");
  return `${document.slice(0, from + BEGIN.length)}\n${table}\n${document.slice(to)}`;
}
