/** What is made from the configuration's schema and the list of strategies. */
import { STRATEGIES } from "../../src/balancing/registry.ts";
import { RESERVED_FEATURES } from "../../src/config/reserved.ts";
import { ALL_SETTINGS, OTHER_SECTIONS, SECTIONS } from "../../src/config/schema.ts";
import type { Section, Setting } from "../../src/config/setting.ts";

export const README_BEGIN = "<!-- settings:begin -->";
export const README_END = "<!-- settings:end -->";
const STRATEGIES_BEGIN = "<!-- strategies:begin -->";
const STRATEGIES_END = "<!-- strategies:end -->";

function sections(): Section[] {
  return Object.values<Section>({ ...SECTIONS, ...OTHER_SECTIONS });
}

function unitOf({ unit }: Setting<unknown>): string {
  return unit === undefined ? "" : ` (${unit})`;
}

/** `.env.example`: every setting, commented out, at its default. */
export function renderEnvExample(): string {
  const out = [
    "# Settings of NeuraBalancer. Copy this file to .env and remove the # before what you change.",
    "# Real environment variables win over .env. An empty value counts as unset. Made by `npm run generate`.",
  ];
  for (const { title, doc, settings } of sections()) {
    out.push("", `# ---- ${title} ----`);
    if (doc) out.push(...wrapComment(plain(doc)));
    for (const setting of Object.values(settings)) {
      out.push("", ...wrapComment(`${plain(setting.doc)} [${setting.type.describe}${unitOf(setting)}]`));
      if (setting.required) out.push(`${setting.env}=http://127.0.0.1:8001,http://127.0.0.1:8002`);
      else out.push(`#${setting.env}=${setting.default ?? ""}`);
    }
  }
  out.push("", "# ---- Reserved ----");
  out.push(
    ...wrapComment("Names of features that this version does not have. They are reported at start and ignored."),
  );
  for (const { title, settings } of RESERVED_FEATURES) {
    out.push("", `# ${title}`);
    for (const { env, default: value } of settings) out.push(`#${env}=${value ?? ""}`);
  }
  return `${out.join("\n")}\n`;
}

/** docs/configuration.md. */
export function renderReference(): string {
  const out = [
    "# Configuration",
    "",
    "<!-- Made by `npm run generate` from src/config/sections/: change it there. -->",
    "",
    "Settings are environment variables. The file `.env` of the current directory (or the one that `--env-file` names) is",
    "read as well; a real variable wins over it, and an empty value counts as unset. `SERVERS` is the only one that you must",
    "set. `neurabalancer check` shows what is in force and where it comes from; a wrong value stops the start, with every",
    "problem listed. On SIGHUP both sources are read again.",
    "",
    "A `.env` file has one `NAME=value` a line. `#` begins a comment, at the start of a line or after a space. Values may be",
    'quoted: `\'…\'` keeps them as they are, `"…"` knows `\\n`, `\\t`, `\\"` and `\\\\`. Nothing is expanded: `$` is a dollar sign.',
  ];
  for (const { title, doc, settings } of sections()) {
    out.push("", `## ${title}`, "");
    if (doc) out.push(doc, "");
    out.push(...table(Object.values(settings)));
    if (title === SECTIONS.balancing.title) out.push("", ...strategyTable());
  }
  out.push(
    "",
    "## Demo server",
    "",
    "`neurabalancer backend` reads `BACKEND_PORT` (default 8001), `BACKEND_INSTANCE_ID` and the other variables that",
    "`neurabalancer backend --help` lists.",
    "",
    "## Reserved names",
    "",
    "These belong to features that this version does not have. When one is set to something else than its default, a",
    "warning at start says that it is ignored. Other `OTEL_…` names are left alone: they are often set for a whole cluster.",
    "",
    "| Feature | Names and defaults |",
    "|---|---|",
    ...RESERVED_FEATURES.map(({ title, settings }) => {
      const names = settings.map(({ env, default: value }) => `\`${env}${value === null ? "" : `=${value}`}\``);
      return `| ${title} | ${names.join(", ")} |`;
    }),
  );
  return `${out.join("\n")}\n`;
}

function strategyTable(): string[] {
  const rows = STRATEGIES.map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`);
  return ["| Strategy | Chooses |", "|---|---|", ...rows];
}

function table(settings: readonly Setting<unknown>[]): string[] {
  const rows = settings.map(
    (setting) =>
      `| \`${setting.env}\` | ${initialOf(setting)} | ${cell(setting.type.describe)}${unitOf(setting)} | ${cell(setting.doc)} |`,
  );
  return ["| Name | Default | Value | Meaning |", "|---|---|---|---|", ...rows];
}

/** Of each setting the default and the first sentence: docs/configuration.md has the rest. */
function shortTable(settings: readonly Setting<unknown>[]): string[] {
  const rows = settings.map(
    (setting) => `| \`${setting.env}\` | ${initialOf(setting)} | ${cell(firstSentence(setting.doc))} |`,
  );
  return ["| Name | Default | Meaning |", "|---|---|---|", ...rows];
}

function initialOf(setting: Setting<unknown>): string {
  if (setting.required) return "required";
  return setting.default === null ? "unset" : `\`${setting.default}\``;
}

function firstSentence(text: string): string {
  return text.split(/(?<=\.) (?=[A-Z])/, 1)[0];
}

/** The README with fresh tables of settings and strategies. Throws when it has lost the markers. */
export function withTables(readme: string): string {
  return withStrategies(withTable(readme));
}

/** The README with a fresh table of the most used settings between its markers. */
export function withTable(readme: string): string {
  const common = ALL_SETTINGS.map(({ setting }) => setting).filter((setting) => setting.common);
  return between(readme, README_BEGIN, README_END, shortTable(common));
}

/** The README with a fresh table of the strategies between its markers. */
function withStrategies(readme: string): string {
  return between(readme, STRATEGIES_BEGIN, STRATEGIES_END, strategyTable());
}

function between(readme: string, beginMark: string, endMark: string, lines: readonly string[]): string {
  const begin = readme.indexOf(beginMark);
  const end = readme.indexOf(endMark);
  if (begin < 0 || end < begin) throw new Error(`README.md needs the lines ${beginMark} and ${endMark}`);
  return `${readme.slice(0, begin + beginMark.length)}\n${lines.join("\n")}\n${readme.slice(end)}`;
}

/** Text of a table's cell: what would be taken for markup is escaped. */
function cell(text: string): string {
  return text.replace(/\|/g, "\\|").replace(/(?<!`)<(\w+)>/g, "&lt;$1&gt;");
}

/** Text without markup: a link becomes its text. */
function plain(text: string): string {
  return text.replace(/\[([^\]]+)\]\([^)]+\)/g, "$1").replace(/`/g, "");
}

function wrapComment(text: string): string[] {
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > 110 && line !== "#") {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
