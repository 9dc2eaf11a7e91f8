/** docs/neurabalancer.schema.json: what editors know of the configuration file. */
import { FILE_SECTIONS, type FileSetting } from "../../../src/config/file-keys.ts";
import { mayHave, type Scope } from "../../../src/config/scopes.ts";
import type { ValueForm } from "../../../src/config/setting.ts";
import type { AnyShape, Field } from "../../../src/config/shapes/shape.ts";
import { BLOCKS } from "../../../src/config/sites/blocks.ts";
import { plain } from "../text.ts";
import { defaultText, describeValue, inFileWords, SERVERS } from "./words.ts";

type Json = Readonly<Record<string, unknown>>;

/** docs/neurabalancer.schema.json, in the draft that editors know best. */
export function renderConfigSchema(): string {
  const properties = FILE_SECTIONS.map(({ name, section, settings, whole }) => {
    if (whole !== null) return [name, { description: SERVERS, ...servers() }];
    const inner = settings.map((placed) => [placed.name, reference(placed)]);
    const doc = section.doc === undefined ? {} : { description: inFileWords(plain(section.doc)) };
    return [name, { title: section.title, ...doc, type: ["object", "null"], ...closed(Object.fromEntries(inner)) }];
  });
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Configuration file of NeuraBalancer",
    type: ["object", "null"],
    ...closed({ ...Object.fromEntries(properties), ...blocks() }),
    definitions: {
      ...settingDefinitions(),
      reference: { type: "string", pattern: "\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}" },
    },
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** Settings are described once: pools and routes have the same. */
function settingDefinitions(): Json {
  const all = FILE_SECTIONS.flatMap(({ settings }) => settings).filter(({ path }) => path !== "servers");
  return Object.fromEntries(all.map((placed) => [placed.path, settingSchema(placed)]));
}

function reference({ path }: FileSetting): Json {
  return { $ref: `#/definitions/${path}` };
}

/** What the file has beside sections of settings. */
function blocks(): Json {
  return Object.fromEntries(
    Object.entries(BLOCKS).map(([name, { doc, shape }]) => [
      name,
      { description: inFileWords(plain(doc)), ...shapeSchema(shape) },
    ]),
  );
}

/** With nothing in its place it is not there. */
function shapeSchema(shape: AnyShape): Json {
  if (shape.kind === "value") {
    return { anyOf: [valueSchema(shape.type.form), { $ref: "#/definitions/reference" }, { type: "null" }] };
  }
  if (shape.kind === "list") {
    const entries = { type: "array", items: shapeSchema(shape.of) };
    return { anyOf: [...(shape.orOne ? [shapeSchema(shape.of)] : []), entries, { type: "null" }] };
  }
  if (shape.kind === "map") return { type: ["object", "null"], additionalProperties: shapeSchema(shape.of) };
  const fields = Object.entries<Field>(shape.fields).map(([name, { doc, shape: of }]) => {
    return [name, { description: inFileWords(plain(doc)), ...shapeSchema(of) }];
  });
  return { type: ["object", "null"], ...closed({ ...Object.fromEntries(fields), ...sectionSchemas(shape.sections) }) };
}

/** The sections of which `scope` may have something, with what that is. */
function sectionSchemas(scope: Scope | null): Json {
  if (scope === null) return {};
  const sections = FILE_SECTIONS.map(({ name, settings, whole }) => {
    const own = settings.filter((placed) => mayHave(scope, placed));
    if (whole !== null) return [name, own.length === 0 ? null : { description: SERVERS, ...servers() }];
    const inner = Object.fromEntries(own.map((placed) => [placed.name, reference(placed)]));
    return [name, own.length === 0 ? null : { type: ["object", "null"], ...closed(inner) }];
  });
  return Object.fromEntries(sections.filter(([, schema]) => schema !== null));
}

const SWITCH: Json = { enum: [true, false, "on", "off", "yes", "no"] };

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
  if (form.kind === "switch") return SWITCH;
  // YAML takes a word like 1.2 for a number.
  if (form.kind === "words") {
    const numbers = form.words.filter((word) => String(Number(word)) === word).map(Number);
    return { enum: [...form.words, ...numbers] };
  }
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
    ...closed({ url: { type: "string" }, weight: number, capacity: number, zone: { type: "string" }, backup: SWITCH }),
  };
  return { anyOf: [{ type: "string" }, { type: "array", items: { anyOf: [{ type: "string" }, server] } }] };
}

function closed(properties: Json): Json {
  return { additionalProperties: false, properties };
}
