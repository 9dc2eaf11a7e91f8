/** Reads what a file has by its shape: everything that is wrong is told, with its place and what would be right. */
import { readSettings, shownValue } from "../read-settings.ts";
import type { Setting } from "../setting.ts";
import type { Variable } from "../sources/variable.ts";
import type { YamlEntry, YamlValue } from "../sources/yaml/document.ts";
import {
  eachEntry,
  type Problems,
  readSection,
  sectionNamed,
  sectionsOf,
  unknownKey,
} from "../sources/yaml/mapping.ts";
import type { ReferenceContext } from "../sources/yaml/references.ts";
import { toVariable } from "../sources/yaml/values.ts";
import type {
  AnyShape,
  Field,
  Fields,
  Leaf,
  ListShape,
  MapShape,
  Named,
  ReadOf,
  Several,
  StructShape,
  ValueShape,
} from "./shape.ts";

/** Taken for "not there" it would make a route that fits everything of one that fits a host, or leave out who may pass. */
const EMPTY_FIELD = "is empty: give it a value, or remove it";

/** A value as people are shown it. */
export interface ShownLeaf {
  readonly path: string;
  readonly value: string;
  readonly origin: string;
}

/** Reads shapes of one file. */
export class ShapeReader {
  /** All values that were read, in order; secrets are hidden. Those of sections are not among them. */
  readonly leaves: ShownLeaf[] = [];
  readonly #context: ReferenceContext;
  readonly #problems: Problems;

  constructor(context: ReferenceContext, problems: Problems) {
    this.#context = context;
    this.#problems = problems;
  }

  /** `undefined`: its problem was told. */
  readPresent<S extends AnyShape>(shape: S, value: YamlValue, path: string): ReadOf<S> | undefined {
    return this.#present(shape, value, path, EMPTY_FIELD) as ReadOf<S> | undefined;
  }

  #read(shape: AnyShape, value: YamlValue, path: string): unknown {
    if (value.kind === "wrong") {
      this.#say(value.place, path, value.problem);
      return undefined;
    }
    if (value.kind === "text" && value.text === null) return undefined;
    if (shape.kind === "value") return this.#value(shape, value, path);
    if (shape.kind === "list") return this.#list(shape, value, path);
    return shape.kind === "map" ? this.#map(shape, value, path) : this.#struct(shape, value, path);
  }

  #value({ type, secret }: ValueShape<unknown>, value: YamlValue, path: string): Leaf<unknown> | undefined {
    const setting: Setting<unknown> = { env: path, type, default: null, doc: "", secret };
    const placed = { section: "", key: "value", name: path, path, setting };
    const variable = toVariable(placed, value, this.#context);
    if (variable === null) {
      this.#say(value.place, path, "is empty");
      return undefined;
    }
    const variables = new Map([[path, variable]]);
    const { draft, problems } = readSettings([placed], { variables, sources: [], complete: true });
    for (const problem of problems) this.#problems.add(() => problem);
    if (!("value" in draft[""])) return undefined;
    this.leaves.push({ path, value: shownValue(setting, variable.shown ?? variable.value), origin: value.place });
    return { path, place: value.place, value: draft[""].value };
  }

  #list({ of, orOne, max }: ListShape<AnyShape>, value: YamlValue, path: string): Several<unknown> | undefined {
    if (value.kind !== "list") {
      if (!orOne) {
        this.#say(value.place, path, "must be a list: each entry on a line of its own that begins with -");
        return undefined;
      }
      const one = this.#read(of, value, path);
      return one === undefined ? undefined : { path, place: value.place, entries: [one], written: 1 };
    }
    if (value.entries.length > max) {
      this.#say(value.place, path, `has ${value.entries.length} entries; the most is ${max}`);
      return undefined;
    }
    const entries = value.entries.map((entry, index) => this.#present(of, entry(), `${path}[${index}]`));
    const right = entries.filter((entry) => entry !== undefined);
    return { path, place: value.place, entries: right, written: entries.length };
  }

  #map({ names, of, max }: MapShape<AnyShape>, value: YamlValue, path: string): Several<unknown> | undefined {
    const entries: Named<unknown>[] = [];
    let count = 0;
    eachEntry(value, path, this.#problems, ({ key, place, value: inner }) => {
      if (++count > max) return;
      const name = names.schema.safeParse(key);
      const inside = `${path}.${key}`;
      if (!name.success) {
        for (const { message } of name.error.issues)
          this.#problems.add(
            () => `${place}: ${path}: ${key === "" ? "a name" : JSON.stringify(key.slice(0, 80))} ${message}`,
          );
        return;
      }
      const content = inner();
      if (of.kind === "struct" && content.kind !== "map" && isKeyOf(of, key)) {
        this.#say(place, inside, "is indented like the name above that it belongs to: indent it more");
        return;
      }
      const read = this.#present(of, content, inside);
      if (read !== undefined) entries.push({ path: inside, place, name: name.data, value: read });
    });
    if (count > max) this.#say(value.place, path, `has ${count} entries; the most is ${max}`);
    return value.kind === "map" ? { path, place: value.place, entries, written: count } : undefined;
  }

  #struct(
    { fields, sections }: StructShape<Record<string, Field>>,
    value: YamlValue,
    path: string,
  ): Fields<Record<string, Field>> | undefined {
    const read: Record<string, unknown> = {};
    const said = new Set<string>();
    const variables: Variable[] = [];
    const ofSettings = sections === null ? [] : sectionsOf(sections);
    const names = [...Object.keys(fields), ...ofSettings.map(({ name }) => name)];
    const readEntry = ({ key, place, value: inner }: YamlEntry) => {
      said.add(key);
      const section = sections === null ? undefined : sectionNamed(key);
      if (Object.hasOwn(fields, key)) {
        const { shape, mayBeEmpty } = fields[key];
        const inside = `${path}.${key}`;
        const result = mayBeEmpty
          ? this.#read(shape, inner(), inside)
          : this.#present(shape, inner(), inside, EMPTY_FIELD);
        if (result !== undefined) read[key] = result;
      } else if (section !== undefined && sections !== null) {
        const add = (variable: Variable) => void variables.push(variable);
        const target = { prefix: `${path}.`, scope: sections, context: this.#context, problems: this.#problems, add };
        readSection(section, inner(), place, target);
      } else {
        this.#problems.add(() => `${place}: ${path}: ${unknownKey(key, names, "key", ofSettings)}`);
      }
    };
    eachEntry(value, path, this.#problems, readEntry, names);
    if (value.kind !== "map") return undefined;
    // That it is there says something as well.
    if (value.entries.length === 0) this.leaves.push({ path, value: "{}", origin: value.place });
    return { path, place: value.place, fields: read as never, said, variables };
  }

  /** What has to be there: where nothing stands, something was meant. */
  #present(shape: AnyShape, value: YamlValue, path: string, complaint = "is empty"): unknown {
    if (value.kind === "text" && (value.text === null || value.text.trim() === "")) {
      this.#say(value.place, path, complaint);
      return undefined;
    }
    return this.#read(shape, value, path);
  }

  #say(place: string, path: string, what: string): void {
    this.#problems.add(() => `${path} (${place}): ${what}`);
  }
}

/** Whether entries of this shape have such a key. */
function isKeyOf({ fields, sections }: StructShape<Record<string, Field>>, key: string): boolean {
  return Object.hasOwn(fields, key) || (sections !== null && sectionsOf(sections).some(({ name }) => name === key));
}
