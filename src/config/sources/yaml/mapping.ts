/** Reads mappings: each key once, and sections of settings with what belongs into them. */
import { FILE_SECTIONS, type FileSection, filePath } from "../../file-keys.ts";
import { mayHave, type Scope, scopeOf, whereItBelongs } from "../../scopes.ts";
import { shownName, unknownName } from "../../suggest.ts";
import type { Variable } from "../variable.ts";
import type { YamlEntry, YamlValue } from "./document.ts";
import type { ReferenceContext } from "./references.ts";
import { toVariable } from "./values.ts";

/** Beyond it the file is probably none of ours. */
const MAX_PROBLEMS = 50;

/** What is wrong with a file, as sentences; those beyond a bound are counted only. */
export class Problems {
  readonly #told: string[] = [];
  readonly #label: string;
  #untold = 0;

  /** @param label names the file. */
  constructor(label: string) {
    this.#label = label;
  }

  /** @param sentence is made only when it is told. */
  add(sentence: () => string): void {
    if (this.#told.length < MAX_PROBLEMS) this.#told.push(sentence());
    else this.#untold++;
  }

  all(): readonly string[] {
    if (this.#untold === 0) return this.#told;
    return [...this.#told, `${this.#label}: has ${this.#untold} more problems like these`];
  }
}

/** Where a section's values go, and what they are called. */
export interface SectionTarget {
  /** In front of the path: `pools.shop.`; empty at the top of the file. */
  readonly prefix: string;
  /** Who writes them. */
  readonly scope: Scope;
  readonly context: ReferenceContext;
  readonly problems: Problems;
  readonly add: (variable: Variable) => void;
}

/**
 * Calls `read` for each entry of a mapping. Nothing (a key without a value) is one without entries.
 * @param names those that it may have; without them they are the user's own.
 */
export function eachEntry(
  value: YamlValue,
  what: string,
  problems: Problems,
  read: (entry: YamlEntry) => void,
  names: readonly string[] = [],
): void {
  if (value.kind !== "map") {
    const nothing = value.kind === "text" && value.text === null;
    const known = names.length === 0 ? "" : `: there are ${names.join(", ")}`;
    const problem = value.kind === "wrong" ? value.problem : `must be a mapping of names to values${known}`;
    if (!nothing) problems.add(() => `${value.place}: ${what} ${problem}`);
    return;
  }
  const places = new Map<string, string>();
  for (const entry of value.entries) {
    const first = places.get(entry.key);
    places.set(entry.key, entry.place);
    if (first === undefined) read(entry);
    else {
      problems.add(
        () => `${entry.place}: ${what}: ${shownName(entry.key)} is said a second time (first at ${first}): remove one`,
      );
    }
  }
}

/** The section of the file that is called so, if it is one. */
export function sectionNamed(name: string): FileSection | undefined {
  return FILE_SECTIONS.find((section) => section.name === name);
}

/** The sections of which `scope` may have something. */
export function sectionsOf(scope: Scope): readonly FileSection[] {
  return FILE_SECTIONS.filter(({ settings }) => settings.some((placed) => mayHave(scope, placed)));
}

/** Reads one section of settings. */
export function readSection(section: FileSection, value: YamlValue, keyPlace: string, target: SectionTarget): void {
  const { prefix, scope, context, problems, add } = target;
  const own = section.settings.filter((placed) => mayHave(scope, placed));
  if (own.length === 0) {
    const whose = section.settings.some((placed) => scopeOf(placed) === "pool") ? "pool" : "instance";
    problems.add(() => `${keyPlace}: ${prefix}${section.name} ${whereItBelongs(whose, section.name)}`);
    return;
  }
  const read = (placed: (typeof own)[number], inner: YamlValue) => {
    const key = prefix + placed.path;
    const { env, default: usual, required } = placed.setting;
    const variable = toVariable({ ...placed, path: key }, inner, context);
    if (variable !== null) add(variable);
    else if (scope !== "instance" && usual === null && !required) {
      // Nothing else could say that a pool is to have none of what the instance has.
      add({ name: env, key, value: "", origin: inner.place, inFile: false, unset: true });
    }
  };
  if (section.whole !== null) {
    read(section.whole, value);
    return;
  }
  const names = own.map(({ name }) => name);
  const readEntry = ({ key, place, value: inner }: YamlEntry) => {
    const placed = section.settings.find(({ name }) => name === key);
    if (placed !== undefined && own.includes(placed)) read(placed, inner());
    else if (placed !== undefined) {
      problems.add(() => `${place}: ${prefix}${placed.path} ${whereItBelongs(scopeOf(placed), placed.path)}`);
    } else {
      problems.add(() => `${place}: ${prefix}${section.name}: ${unknownKey(key, names, "setting")}`);
    }
  };
  eachEntry(value, prefix + section.name, problems, readEntry, names);
}

/**
 * What is wrong with a key that is none of `known`: where a setting of that name belongs, if there is one, or what was meant.
 * @param sections those that it may stand in; without them all of the file.
 */
export function unknownKey(
  name: string,
  known: readonly string[],
  kind: string,
  sections: readonly FileSection[] = FILE_SECTIONS,
): string {
  if (name === "<<")
    return "is a merge key, which YAML 1.2 has not: give each section an alias of its own (health: *name)";
  const elsewhere = sections.flatMap(({ settings }) => settings).filter((setting) => setting.name === name);
  const path = filePath(name.toUpperCase());
  const paths = path !== null ? [path] : elsewhere.map((setting) => setting.path);
  // What stands in many sections says nothing.
  if (paths.length === 0 || paths.length > (kind === "setting" ? 3 : 1)) return unknownName(name, known, kind);
  // Within a section one of its own may be meant.
  const complaint = kind === "setting" ? unknownName(name, known, kind) : `${shownName(name)} is no ${kind}`;
  return `${complaint}; the setting is ${paths.join(" or ")}`;
}
