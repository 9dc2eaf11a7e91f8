/** Settings from a configuration file, `neurabalancer.yaml`. What it cannot mean is an error, with its line and column. */
import { FILE_SECTIONS, type FileSection, filePath } from "../../file-keys.ts";
import { shownName, unknownName } from "../../suggest.ts";
import type { SettingsSource, SourceReading, Variable } from "../source.ts";
import { readYaml, type YamlEntry, type YamlValue } from "./document.ts";
import { readText } from "./text.ts";
import { type ReferenceContext, toVariable } from "./values.ts";

/** Room for all servers that there can be. The worst text of this size takes the library some seconds. */
const MAX_BYTES = 128 * 1024;
/** Beyond it the file is probably none of ours. */
const MAX_PROBLEMS = 50;

/**
 * The file at `path`, which must exist.
 * @param lookUp a variable of the sources that come before it, for `${NAME}`.
 */
export function yamlFileSource(path: string, lookUp: (name: string) => string | undefined): SettingsSource {
  return { name: path, read: () => readFile(path, lookUp) };
}

function readFile(path: string, lookUp: ReferenceContext["lookUp"]): SourceReading {
  let text: string;
  try {
    text = readText(path, MAX_BYTES);
  } catch (error) {
    return { variables: [], problems: [path + (error as Error).message], unreadable: true };
  }
  const document = readYaml(text, path);
  if (!document.ok) return { variables: [], problems: document.problems, unreadable: true };
  const references = new Set<string>();
  const reader = new FileReader({ lookUp, onReference: (name) => void references.add(name) });
  reader.readFile(document.root);
  const { variables, problems } = reader;
  if (reader.untold > 0) problems.push(`${path}: has ${reader.untold} more problems like these`);
  return { variables, problems, references: [...references] };
}

class FileReader {
  readonly variables: Variable[] = [];
  readonly problems: string[] = [];
  /** How many problems came after the last that is told. */
  untold = 0;
  readonly #context: ReferenceContext;

  constructor(context: ReferenceContext) {
    this.#context = context;
  }

  readFile(root: YamlValue): void {
    const names = FILE_SECTIONS.map(({ name }) => name);
    this.#readMap(root, "the file", (entry) => {
      const section = FILE_SECTIONS.find(({ name }) => name === entry.key);
      if (section === undefined)
        this.#problem(entry.place, () => withPlace(entry.key, unknownName(entry.key, names, "section")));
      else if (section.whole !== null) this.#add(toVariable(section.whole, entry.value(), this.#context));
      else this.#readSection(section, entry.value());
    });
  }

  #readSection({ name: section, settings }: FileSection, value: YamlValue): void {
    const names = settings.map(({ name }) => name);
    this.#readMap(value, section, (entry) => {
      const placed = settings.find(({ name }) => name === entry.key);
      if (placed === undefined)
        this.#problem(entry.place, () => `${section}: ${withPlace(entry.key, unknownName(entry.key, names))}`);
      else this.#add(toVariable(placed, entry.value(), this.#context));
    });
  }

  #readMap(value: YamlValue, what: string, read: (entry: YamlEntry) => void): void {
    if (value.kind !== "map") {
      const nothing = value.kind === "text" && value.text === null;
      const problem = value.kind === "wrong" ? value.problem : "must be a mapping of names to values";
      if (!nothing) this.#problem(value.place, () => `${what} ${problem}`);
      return;
    }
    const places = new Map<string, string>();
    for (const entry of value.entries) {
      const first = places.get(entry.key);
      places.set(entry.key, entry.place);
      if (first === undefined) read(entry);
      else
        this.#problem(
          entry.place,
          () => `${what}: ${shownName(entry.key)} is said a second time (first at ${first}): remove one`,
        );
    }
  }

  #add(variable: Variable | null): void {
    if (variable !== null) this.variables.push(variable);
  }

  #problem(place: string, sentence: () => string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(`${place}: ${sentence()}`);
    else this.untold++;
  }
}

/** Where a name that is unknown here belongs, when that is clear. */
function withPlace(name: string, complaint: string): string {
  const elsewhere = FILE_SECTIONS.flatMap(({ settings }) => settings).filter((setting) => setting.name === name);
  const path = filePath(name.toUpperCase()) ?? (elsewhere.length === 1 ? elsewhere[0].path : null);
  return path === null ? complaint : `${complaint}; the setting is ${path}`;
}
