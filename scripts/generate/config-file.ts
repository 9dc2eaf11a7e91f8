/** What is made from the schema for the configuration file: the annotated example, and the JSON Schema for editors. */
import { FILE_SECTIONS, type FileSetting, filePath } from "../../src/config/file-keys.ts";
import type { ValueForm } from "../../src/config/setting.ts";
import { sayDuration, saySize } from "../../src/config/values/units.ts";
import { plain, wrapComment } from "./text.ts";

const SCHEMA_PATH = "docs/neurabalancer.schema.json";

const INTRODUCTION = `Settings of NeuraBalancer. Copy this file to neurabalancer.yaml, remove the # before what you change, and
start it by \`neurabalancer serve --config neurabalancer.yaml\`. Environment variables and .env win over it.
Durations have units (250ms, 5s, 1m30s, 2h), sizes may (64KiB, 10MB). \${NAME} stands for a variable, and where a
secret is wanted file:PATH for the text of a file. docs/configuration.md says more. Made by \`npm run generate\`.`;

const SERVERS = `Your servers: URLs, or mappings with url, weight (a relative share, default 1) and capacity (most requests in
flight). All addresses of a name are used; dns+srv://_http._tcp.example.com reads an SRV record
(dns+srv+https:// for TLS).`;

/** `neurabalancer.example.yaml`: every setting, commented out, at its default. */
export function renderConfigExample(): string {
  const out = [`# yaml-language-server: $schema=${SCHEMA_PATH}`, ...wrapComment(oneLine(INTRODUCTION))];
  for (const { name, section, settings, whole } of FILE_SECTIONS) {
    out.push("");
    if (whole !== null) {
      out.push(...wrapComment(oneLine(SERVERS)), `${name}:`);
      out.push("  - http://127.0.0.1:8001", "  - url: http://127.0.0.1:8002", "    weight: 1");
      continue;
    }
    if (section.doc) out.push(...wrapComment(inFileWords(plain(section.doc))));
    out.push(`${name}:`);
    for (const placed of settings) {
      const doc = `${inFileWords(plain(placed.setting.doc))} [${describeValue(placed)}]`;
      out.push("", ...wrapComment(doc).map((line) => `  ${line}`), `  #${placed.name}:${defaultText(placed)}`);
    }
  }
  return `${out.join("\n")}\n`;
}

/** How a file writes the values of a setting. */
export function describeValue({ setting: { type, unit } }: FileSetting): string {
  const { form } = type;
  if (form.kind === "duration") return `${sayDuration(form.min)} … ${sayDuration(form.max)}`;
  if (form.kind === "size") return `${saySize(form.min)} … ${form.max >= 2 ** 50 ? "any size" : saySize(form.max)}`;
  if (form.kind === "list") return `${type.describe.replace(/, ?comma-separated/, "")}: one, or a list`;
  return unit === undefined ? type.describe : `${type.describe} (${unit})`;
}

function defaultText({ setting }: FileSetting): string {
  const { form } = setting.type;
  if (setting.default === null) return "";
  if (form.kind === "duration") return ` ${sayDuration(Number(setting.default) * form.bareUnit)}`;
  if (form.kind === "size") return ` ${saySize(Number(setting.default) * form.bareUnit)}`;
  return ` ${/^[\w./-][\w./ -]*$/.test(setting.default) ? setting.default : JSON.stringify(setting.default)}`;
}

/** Settings are called here what they are in the file. */
function inFileWords(text: string): string {
  return text.replace(/\b[A-Z][A-Z0-9_]*\b/g, (name) => filePath(name) ?? name);
}

type Json = Readonly<Record<string, unknown>>;

/** docs/neurabalancer.schema.json, in the draft that editors know best. */
export function renderConfigSchema(): string {
  const properties = FILE_SECTIONS.map(({ name, section, settings, whole }) => {
    if (whole !== null) return [name, { description: oneLine(SERVERS), ...servers() }];
    const inner = settings.map((placed) => [placed.name, settingSchema(placed)]);
    const doc = section.doc === undefined ? {} : { description: inFileWords(plain(section.doc)) };
    return [name, { title: section.title, ...doc, type: ["object", "null"], ...closed(Object.fromEntries(inner)) }];
  });
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration file of NeuraBalancer",
    type: ["object", "null"],
    ...closed(Object.fromEntries(properties)),
    definitions: { reference: { type: "string", pattern: "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" } },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function settingSchema(placed: FileSetting): Json {
  const { doc, default: value, type } = placed.setting;
  return {
    description: `${inFileWords(plain(doc))} [${describeValue(placed)}]`,
    ...(value !== null && {
      default: nativeDefault(placed),
    }),
    anyOf: [valueSchema(type.form), { $ref: "#/definitions/reference" }, { type: "null" }],
  };
}

/** As an editor would fill it in. */
function nativeDefault(placed: FileSetting): string | number {
  const text = defaultText(placed).trim();
  const { kind } = placed.setting.type.form;
  return kind === "integer" || kind === "number" ? Number(text) : text.replace(/^"(.*)"$/, "$1");
}

function valueSchema(form: ValueForm): Json {
  const one = { type: ["string", "number"] };
  if (form.kind === "integer" || form.kind === "number")
    return { type: form.kind, minimum: form.min, maximum: form.max };
  if (form.kind === "switch") return { enum: [true, false, "on", "off", "yes", "no"] };
  if (form.kind === "words") return { enum: form.words };
  if (form.kind === "duration") {
    return { anyOf: [{ type: "string", pattern: "^([0-9.]+(ms|s|m|h|d))+$" }, { const: 0 }] };
  }
  if (form.kind === "size") {
    return {
      anyOf: [
        { type: "string", pattern: "^[0-9.]+([kKMGT]i?)?[bB]$" },
        { type: "integer", minimum: 0 },
      ],
    };
  }
  if (form.kind === "list") return { anyOf: [one, { type: "array", items: one }] };
  if (form.kind === "fields") return { anyOf: [one, { type: "object", additionalProperties: one }] };
  return form.kind === "servers" ? servers() : { type: ["string", "number", "boolean"] };
}

function servers(): Json {
  const number = { anyOf: [{ type: "number" }, { $ref: "#/definitions/reference" }] };
  const server = {
    type: "object",
    required: ["url"],
    ...closed({ url: { type: "string" }, weight: number, capacity: number }),
  };
  return { anyOf: [{ type: "string" }, { type: "array", items: { anyOf: [{ type: "string" }, server] } }] };
}

function closed(properties: Json): Json {
  return { additionalProperties: false, properties };
}

function oneLine(text: string): string {
  return text.replaceAll("\n", " ");
}
