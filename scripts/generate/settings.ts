/** What is made from the configuration's schema and the list of strategies. */
import { STRATEGIES } from "../../src/balancing/registry.ts";
import { filePath } from "../../src/config/file-keys.ts";
import { RESERVED_FEATURES } from "../../src/config/names/reserved.ts";
import { STACK_VARIABLES } from "../../src/config/names/stack-variables.ts";
import { ALL_SETTINGS, OTHER_SECTIONS, SECTIONS } from "../../src/config/schema.ts";
import type { Section, Setting } from "../../src/config/setting.ts";
import { blocksReference } from "./config/blocks.ts";
import { plain, wrapComment } from "./text.ts";

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
  out.push("", "# ---- Docker Compose ----");
  out.push(
    ...wrapComment(
      "For docker-compose.yml alone, which wants two of these passwords: DB_PASSWORD and GRAFANA_ADMIN_PASSWORD. It reads this file, too, and replaces $NAME in a value: put one with a dollar sign in single quotes (docs/compose.md).",
    ),
  );
  for (const { env, default: value, doc, describe } of STACK_VARIABLES) {
    out.push("", ...wrapComment(`${doc} [${describe}]`), `#${env}=${value ?? ""}`);
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

const INTRODUCTION =
  `Settings are environment variables, or stand in \`.env\`, or in a configuration file in YAML. Where several say something, the
first of these wins; an empty value counts as unset, but is an error in \`pools\`, \`routes\` and \`listeners\`: a route whose \`host\`
is empty would take every host. (What \`route_defaults\` may have can be empty at a route: none.) \`SERVERS\` is the only one that you must set. \`neurabalancer check\` shows what is in force and where each value comes from; a wrong value stops the start, with every problem listed.

On SIGHUP all of them are read again, and taken over as a whole or, when anything is wrong, not at all; the log says what
changed. \`neurabalancer check --diff\` shows beforehand what that will be: it asks the running instance over its admin port, or,
as \`check --config new.yaml --diff old.yaml\`, compares two files. What it marks needs a restart.

**Durations and sizes** take units wherever they stand: \`250ms\`, \`5s\`, \`1m30s\`, \`2h\`, \`1d\`; \`64KiB\`, \`10MiB\`, \`1GiB\` (powers of
1024) and \`64kB\`, \`10MB\`, \`1GB\` (of 1000). A bare number has the unit of the variable's name (LEARNING_MAX_MEGABYTES counts
MiB). \`check\` shows both.

## .env

The file \`.env\` of the current directory, or the one that \`--env-file\` names. One \`NAME=value\` a line. \`#\` begins a comment, at
the start of a line or after a space. Values may be quoted: \`'…'\` keeps them as they are, \`"…"\` knows \`\\n\`, \`\\t\`, \`\\"\` and \`\\\\\`.
Nothing is expanded: \`$\` is a dollar sign. A name that is nearly one of a setting stops the start; other names that are no
settings are told in a warning and ignored, because other programs read such files, too.

## The configuration file

\`neurabalancer serve --config neurabalancer.yaml\`, or \`CONFIG_FILE\`. None is read unless it is named. The tables below have the key
of each setting; [neurabalancer.example.yaml](../neurabalancer.example.yaml) has them all at their defaults, and
[neurabalancer.schema.json](neurabalancer.schema.json) lets editors complete and check them:

\`\`\`yaml
# yaml-language-server: $schema=docs/neurabalancer.schema.json
servers:
  - http://10.0.0.5:3000
  - url: http://10.0.0.6:3000
    weight: 2
    capacity: 50
balancing:
  strategy: peak_ewma
timeouts:
  response_head: 5s
limits:
  max_body: 10MB
clients:
  trusted_proxies: [10.0.0.0/8, fd00::/8]
admin:
  token: \${ADMIN_SECRET}
\`\`\`

It is YAML 1.2 in UTF-8, one document, of at most 1 MiB. Unknown and repeated keys are errors; every problem is told with
line and column. Durations need their unit here, because the keys name none. Paths are relative to the current directory, as
everywhere. What the environment or \`.env\` sets wins; \`SERVERS\` replaces the whole list of servers, with the weights that
stand in it, and \`SERVER_WEIGHT_…\` wins over those.

A file may have several pools of servers and the routes to them:

\`\`\`yaml
pools:
  shop:
    servers: [http://10.0.0.5:3000, http://10.0.0.6:3000]
  api:
    servers: [http://10.0.1.5:4000]
    timeouts: {response_head: 5s}
routes:
  - {host: shop.example, pool: shop}
  - {host: api.example, pool: api, limits: {max_body: 1MB}}
\`\`\`

[Pools](#pools), [routes](#routes) and [listeners](#listeners) are explained below, and [sites.md](sites.md) shows what can be done with
them. What a route sets for itself wins over what its
pool sets, and that over the environment; the environment wins over the top of the file. \`SERVERS\`, or \`servers\` at the top, make
the pool \`default\`; without \`routes\` everything goes to it. With \`routes\` nothing is implied: a route without host and path takes
what no other takes, and without one the answer is 404. \`SERVER_WEIGHT_…\` and \`SERVER_CAPACITY_…\` reach the servers of all pools.
Caching, TCP and UDP are not offered, nor is authentication, but that a route may ask another server (\`forward_auth\`).

Keep secrets elsewhere: \`\${NAME}\` stands for a variable of the environment or of \`.env\`, in any value (\`$\${\` for the characters
themselves); where a secret is wanted, \`file:/run/secrets/token\` stands for the text of a file. One that is missing is an
error. Neither \`check\` nor the log shows what they stand for.

A configuration that is wrong stops the start; a reload then keeps the one in force. With \`serve --last-good\` a start uses the one
that ran last instead: the texts of \`.env\` and of the configuration file, kept in \`DATA_DIR\` for their owner alone at each start and
reload that succeeds (\`last-good-configuration.json\`). Every error is logged, \`neurabalancer_degraded{mode="configuration"}\` is 1 until
a reload succeeds, and the environment counts as it is now. If the file cannot be read at all, \`DATA_DIR\` is what the environment,
\`.env\` or the default say.`.split("\n");

/** docs/configuration.md. */
export function renderReference(): string {
  const out = [
    "# Configuration",
    "",
    "<!-- Made by `npm run generate` from src/config/sections/: change it there. -->",
    "",
    ...INTRODUCTION,
  ];
  for (const { title, doc, settings } of sections()) {
    out.push("", `## ${title}`, "");
    if (doc) out.push(doc, "");
    out.push(...table(Object.values(settings)));
    if (title === SECTIONS.balancing.title) out.push("", ...strategyTable());
  }
  out.push("", ...blocksReference());
  out.push(
    "",
    "## Server for trials",
    "",
    "`neurabalancer backend` reads `BACKEND_PORT` (default 8001), `BACKEND_INSTANCE_ID` and the other variables that",
    "`neurabalancer backend --help` lists.",
    "",
    "## Docker Compose",
    "",
    "Variables of `docker-compose.yml`, which are no settings of the balancer. [compose.md](compose.md) says more.",
    "",
    "| Name | Default | Value | Meaning |",
    "|---|---|---|---|",
    ...STACK_VARIABLES.map(
      ({ env, required, default: value, doc, describe }) =>
        `| \`${env}\` | ${required ? "required" : value === undefined ? "unset" : `\`${value}\``} | ${describe} | ${cell(doc)} |`,
    ),
    "",
    "## Reserved names",
    "",
    "These belong to features that this version does not have. When one is set to something else than its default, a",
    "warning at start says that it is ignored. `OTEL_…` names of logs and metrics are left alone: they are often set for a whole",
    "cluster.",
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
      `| \`${setting.env}\` | ${keyOf(setting)} | ${initialOf(setting)} | ${cell(setting.type.describe)}${unitOf(setting)} | ${cell(setting.doc)} |`,
  );
  return ["| Name | In the file | Default | Value | Meaning |", "|---|---|---|---|---|", ...rows];
}

function keyOf({ env }: Setting<unknown>): string {
  const path = filePath(env);
  return path === null ? "" : `\`${path}\``;
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
