/** Where the texts of settings come from. Each source says what it holds and where it stands there. */

/** One variable that is set. */
export interface Variable {
  /** As in the environment, wherever it stands. */
  readonly name: string;
  readonly value: string;
  /** `environment`, or where in a file: `.env line 3`, `neurabalancer.yaml:5:12`. */
  readonly origin: string;
  /** It stands in a file of this product's own: a name that is no setting is an error there. */
  readonly inFile: boolean;
  /** What its place calls it, when that is another name: `timeouts.connect`. */
  readonly key?: string;
  /** What people are shown instead of the value: what was written, when that names a secret without telling it. */
  readonly shown?: string;
  /** Sentences that say why it has no value. Told when the setting is read: what a command does not read may be wrong. */
  readonly problems?: readonly string[];
  /** Its parts, in order, when they stand in places of their own. */
  readonly entries?: readonly Entry[];
}

/** A part of a list. */
export interface Entry {
  readonly origin: string;
  /** Of a server: what is said of it beside its URL. */
  readonly weight?: Variable;
  readonly capacity?: Variable;
}

/** What a source says at the moment. */
export interface SourceReading {
  readonly variables: readonly Variable[];
  readonly problems: readonly string[];
  /** Names of variables of other sources that it takes values from: somebody uses them then. */
  readonly references?: readonly string[];
  /** It could not be made out at all: nothing is known of what it sets. */
  readonly unreadable?: boolean;
}

/** A place that settings are read from. */
export interface SettingsSource {
  /** As a sentence names it: `the environment`, `.env`. */
  readonly name: string;
  /** Reads it as it is now. An empty value counts as unset: container tools pass unset variables on as empty ones. */
  read(): SourceReading;
}

/** What several sources say together. */
export interface SettingsReading {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly problems: readonly string[];
  /** The sources, as sentences name them. */
  readonly sources: readonly string[];
  readonly references: ReadonlySet<string>;
  /** False when a source is unreadable: what seems to be missing may stand there. */
  readonly complete: boolean;
}

/** Reads all `sources`; where several have a variable, the first of them wins. */
export function readSources(sources: readonly SettingsSource[]): SettingsReading {
  const variables = new Map<string, Variable>();
  const problems: string[] = [];
  const references = new Set<string>();
  let complete = true;
  for (const source of sources.toReversed()) {
    const read = source.read();
    problems.push(...read.problems);
    for (const variable of read.variables) variables.set(variable.name, variable);
    for (const name of read.references ?? []) references.add(name);
    if (read.unreadable) complete = false;
  }
  return { variables, problems, sources: sources.map(({ name }) => name), references, complete };
}

/** A sentence about a variable: its name, where it was set and what is wrong; its value when `shown` gives it. */
export function complain({ name, key = name, origin, entries }: Variable, message: string, shown = ""): string {
  // A complaint about one entry of a list says so at its beginning.
  const entry = entries?.[Number(/^entry (\d+)\b/.exec(message)?.[1]) - 1];
  return `${key}${shown && `=${shown}`} (${entry?.origin ?? origin}): ${message}`;
}

/** A value as an error may show it. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
