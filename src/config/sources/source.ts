/** Where the texts of settings come from. Each source says what it holds and where it stands there. */

/** One variable that is set. */
export interface Variable {
  readonly name: string;
  readonly value: string;
  /** `environment`, or where in a file: `.env line 3`. */
  readonly origin: string;
  /** It stands in a file of this product's own: a name that is no setting is an error there. */
  readonly inFile: boolean;
}

/** A place that settings are read from. */
export interface SettingsSource {
  /** As a sentence names it: `the environment`, `.env`. */
  readonly name: string;
  /** Reads it as it is now. An empty value counts as unset: container tools pass unset variables on as empty ones. */
  read(): { readonly variables: readonly Variable[]; readonly problems: readonly string[] };
}

/** What several sources say together. */
export interface SettingsReading {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly problems: readonly string[];
  /** The sources, as sentences name them. */
  readonly sources: readonly string[];
}

/** Reads all `sources`; where several have a variable, the first of them wins. */
export function readSources(sources: readonly SettingsSource[]): SettingsReading {
  const variables = new Map<string, Variable>();
  const problems: string[] = [];
  for (const source of sources.toReversed()) {
    const read = source.read();
    problems.push(...read.problems);
    for (const variable of read.variables) variables.set(variable.name, variable);
  }
  return { variables, problems, sources: sources.map(({ name }) => name) };
}

/** A sentence about a variable: its name, where it was set and what is wrong; its value when `shown` gives it. */
export function complain({ name, origin }: Variable, message: string, shown = ""): string {
  return `${name}${shown && `=${shown}`} (${origin}): ${message}`;
}

/** A value as an error may show it. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}
