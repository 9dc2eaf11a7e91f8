/** From what a file writes for a setting to the text that the environment would have for it: one type reads both. */
import type { FileSetting } from "../../file-keys.ts";
import type { ValueForm } from "../../setting.ts";
import { unknownName } from "../../suggest.ts";
import type { Entry, Variable } from "../variable.ts";
import type { YamlEntry, YamlValue } from "./document.ts";
import { type Expanded, expand, expandSecret, type ReferenceContext } from "./references.ts";

const ATTRIBUTES = ["url", "weight", "capacity", "zone", "backup"];
const BARE_NUMBER = /^\d+(\.\d+)?$/;
/** What a file may write for the forms that are more than one value. */
const EXPECTED: Readonly<Partial<Record<ValueForm["kind"], string>>> = {
  servers: "a list of servers, each a URL or a mapping with url, weight, capacity, zone and backup",
  list: "a list of values",
  fields: "a mapping of names to values",
};

/** The variable that says the same; `null` = nothing is set. */
export function toVariable(placed: FileSetting, value: YamlValue, context: ReferenceContext): Variable | null {
  return new ValueReader(placed, value, context).read();
}

/** One text, and where it stands. */
interface Part extends Entry {
  readonly value: string;
  readonly written: string;
  readonly expanded: boolean;
}

class ValueReader {
  readonly #placed: FileSetting;
  readonly #value: YamlValue;
  readonly #context: ReferenceContext;
  readonly #problems: string[] = [];

  constructor(placed: FileSetting, value: YamlValue, context: ReferenceContext) {
    this.#placed = placed;
    this.#value = value;
    this.#context = context;
  }

  read(): Variable | null {
    const value = this.#value;
    const { form } = this.#placed.setting.type;
    if (value.kind === "text") {
      if (isEmpty(value.text)) return null;
      const part = this.#part(value);
      if (part !== null) this.#checkUnit(form, part);
      const bytes = form.kind === "size" && form.bareUnit > 1 && BARE_NUMBER.test(part?.value ?? "") ? "B" : "";
      return this.#variable((part?.value ?? "") + bytes, part === null ? [] : [part]);
    }
    if (value.kind === "list" && value.entries.length === 0) return null;
    if (value.kind === "map" && form.kind === "fields") return this.#fields(value.entries);
    if (value.kind === "list" && form.kind === "list") {
      return this.#joined(value.entries.map((entry) => this.#entry(entry())));
    }
    if (value.kind === "list" && form.kind === "servers") {
      return this.#joined(value.entries.map((entry, index) => this.#server(entry(), index)));
    }
    this.#wrong(
      value,
      `must be ${EXPECTED[form.kind] ?? "one value"}, not a ${value.kind === "map" ? "mapping" : "list"}`,
    );
    return this.#variable("", []);
  }

  /** The key names no unit, so the value does, unless it is nothing in all of them. */
  #checkUnit({ kind }: ValueForm, { value }: Part): void {
    if (kind !== "duration" || !BARE_NUMBER.test(value) || Number(value) === 0) return;
    this.#say(this.#value.place, `has no unit: write ${value}s or ${value}ms, for example`);
  }

  #fields(entries: readonly YamlEntry[]): Variable {
    const escaped = (text: string) => text.replace(/[\\;]/g, "\\$&");
    const parts = entries.map(({ key, value }) => {
      const part = this.#part(value(), `${this.#placed.path}: the value of a field`);
      return part === null ? null : { ...part, value: `${escaped(key)}: ${escaped(part.value)}` };
    });
    return this.#joined(parts, ";");
  }

  #server(value: YamlValue, index: number): Part | null {
    if (value.kind !== "map") return this.#entry(value);
    const path = `${this.#placed.path}[${index}]`;
    const found = new Map<string, Variable>();
    for (const { key, place, value: inner } of value.entries) {
      const attribute = inner();
      const name = `${path}.${key}`;
      if (!ATTRIBUTES.includes(key)) this.#say(place, unknownName(key, ATTRIBUTES), path);
      else if (found.has(key)) this.#say(place, `is said a second time (first at ${found.get(key)!.origin})`, name);
      else {
        const part = this.#part(attribute, name);
        if (part === null) continue;
        const base = { name, key: name, origin: part.origin, inFile: false };
        found.set(key, { ...base, value: part.value, ...(part.expanded && { shown: part.written }) });
      }
    }
    const url = found.get("url");
    if (url === undefined) {
      if (!value.entries.some(({ key }) => key === "url")) this.#say(value.place, "has no url", path);
      return null;
    }
    const { value: text, origin, shown } = url;
    const [weight, capacity, zone, backup] = ATTRIBUTES.slice(1).map((name) => found.get(name));
    const attributes = { weight, capacity, zone, backup };
    return this.#single({ value: text, origin, written: shown ?? text, expanded: shown !== undefined, ...attributes });
  }

  #entry(value: YamlValue): Part | null {
    const part = this.#part(value);
    return part === null ? null : this.#single(part);
  }

  #single(part: Part): Part | null {
    if (!part.value.includes(",")) return part;
    this.#say(part.origin, "has an entry with a comma in it: make two of it");
    return null;
  }

  /** A value that is one text. `null` after its problem was told. */
  #part(value: YamlValue, path = this.#placed.path): Part | null {
    if (value.kind !== "text") {
      this.#wrong(value, `must be one value, not a ${value.kind === "map" ? "mapping" : "list"}`, path);
      return null;
    }
    const { text, place } = value;
    if (text === null || text.trim() === "") {
      this.#say(place, "is empty", path);
      return null;
    }
    const { lookUp, onReference } = this.#context;
    const read: Expanded = (this.#placed.setting.secret ? expandSecret : expand)(text, lookUp);
    for (const name of read.references) onReference(name);
    if (read.problem !== undefined) this.#say(place, read.problem, path);
    return read.problem === undefined
      ? { value: read.value, origin: place, written: text, expanded: read.expanded }
      : null;
  }

  #joined(parts: readonly (Part | null)[], separator = ","): Variable {
    const usable = parts.filter((part) => part !== null);
    return { ...this.#variable(usable.map(({ value }) => value).join(separator), usable), entries: usable };
  }

  #variable(value: string, parts: readonly Part[]): Variable {
    const { path, setting } = this.#placed;
    const shown = parts.some(({ expanded }) => expanded) && { shown: parts.map(({ written }) => written).join(",") };
    const problems = this.#problems.length > 0 && { problems: this.#problems };
    return { name: setting.env, key: path, value, origin: this.#value.place, inFile: false, ...shown, ...problems };
  }

  #wrong(value: YamlValue, otherwise: string, path?: string): void {
    this.#say(value.place, value.kind === "wrong" ? value.problem : otherwise, path);
  }

  #say(place: string, what: string, path = this.#placed.path): void {
    this.#problems.push(`${path} (${place}): ${what}`);
  }
}

function isEmpty(text: string | null): boolean {
  return text === null || text.trim() === "";
}
