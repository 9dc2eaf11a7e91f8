/** Where the texts of settings come from. Each source says what it holds and where it stands there. */
import type { BlockName } from "../file-keys.ts";
import type { Variable } from "./variable.ts";
import type { YamlValue } from "./yaml/document.ts";
import type { ReferenceContext } from "./yaml/references.ts";

/** What a source says at the moment. */
export interface SourceReading {
  readonly variables: readonly Variable[];
  readonly problems: readonly string[];
  /** Names of variables of other sources that it takes values from: somebody uses them then. */
  readonly references?: ReadonlySet<string>;
  /** It could not be made out at all: nothing is known of what it sets. */
  readonly unreadable?: boolean;
  readonly blocks?: Blocks;
}

/** What a file has that is more than single settings, as it stands there: read by who needs it. */
export interface Blocks {
  readonly values: ReadonlyMap<BlockName, YamlValue>;
  readonly context: ReferenceContext;
  /** Names the file. */
  readonly label: string;
}

/** The text of a file as it was read. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** A place that settings are read from. */
export interface SettingsSource {
  /** As a sentence names it: `the environment`, `.env`. */
  readonly name: string;
  /** Reads it as it is now. An empty value counts as unset: container tools pass unset variables on as empty ones. */
  read(): SourceReading;
  /** What was read last, of a source that is a file; `null` = it could not be read, or is not there. */
  readonly file?: () => SourceFile | null;
}

/** What several sources say together. */
export interface SettingsReading {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly problems: readonly string[];
  /** The sources, as sentences name them. */
  readonly sources: readonly string[];
  /** Grows while blocks are read. */
  readonly references: readonly ReadonlySet<string>[];
  /** False when a source is unreadable: what seems to be missing may stand there. */
  readonly complete: boolean;
  /** Of the one source that can have any. */
  readonly blocks: Blocks | null;
}

/** Reads all `sources`; where several have a variable, the first of them wins. */
export function readSources(sources: readonly SettingsSource[]): SettingsReading {
  const variables = new Map<string, Variable>();
  const problems: string[] = [];
  const references: ReadonlySet<string>[] = [];
  let complete = true;
  let blocks: Blocks | null = null;
  for (const source of sources.toReversed()) {
    const read = source.read();
    problems.push(...read.problems);
    for (const variable of read.variables) variables.set(variable.name, variable);
    if (read.references !== undefined) references.push(read.references);
    blocks = read.blocks ?? blocks;
    if (read.unreadable) complete = false;
  }
  return { variables, problems, sources: sources.map(({ name }) => name), references, complete, blocks };
}
