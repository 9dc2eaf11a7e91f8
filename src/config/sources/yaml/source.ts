/** Settings from a configuration file, `neurabalancer.yaml`. What it cannot mean is an error, with its line and column. */
import { BLOCK_NAMES, type BlockName, FILE_SECTIONS } from "../../file-keys.ts";
import type { SettingsSource, SourceFile, SourceReading } from "../source.ts";
import { readText } from "../text.ts";
import type { Variable } from "../variable.ts";
import { readYaml, type YamlValue } from "./document.ts";
import { eachEntry, Problems, readSection, sectionNamed, unknownKey } from "./mapping.ts";
import type { ReferenceContext } from "./references.ts";

/** Room for all servers that there can be, and some thousand routes. The worst text of this size takes the library some seconds. */
const MAX_BYTES = 1024 * 1024;

/**
 * The file at `path`, which must exist.
 * @param lookUp a variable of the sources that come before it, for `${NAME}`.
 */
export function yamlFileSource(path: string, lookUp: (name: string) => string | undefined): SettingsSource {
  let file: SourceFile | null = null;
  return {
    name: path,
    file: () => file,
    read() {
      file = null;
      try {
        file = { path, text: readText(path, MAX_BYTES) };
      } catch (error) {
        return { variables: [], problems: [path + (error as Error).message], unreadable: true };
      }
      return readFileText(file, lookUp);
    },
  };
}

/** What such a file says, when its text is at hand. */
export function yamlTextSource(file: SourceFile, lookUp: (name: string) => string | undefined): SettingsSource {
  return { name: file.path, file: () => file, read: () => readFileText(file, lookUp) };
}

function readFileText({ path, text }: SourceFile, lookUp: ReferenceContext["lookUp"]): SourceReading {
  const document = readYaml(text, path);
  if (!document.ok) return { variables: [], problems: document.problems, unreadable: true };
  const references = new Set<string>();
  const context = { lookUp, onReference: (name: string) => void references.add(name) };
  const problems = new Problems(path);
  const variables: Variable[] = [];
  const values = new Map<BlockName, YamlValue>();
  const add = (variable: Variable) => void variables.push(variable);
  const target = { prefix: "", scope: "instance", context, problems, add } as const;
  eachEntry(document.root, "the file", problems, ({ key, place, value }) => {
    const section = sectionNamed(key);
    if (section !== undefined) readSection(section, value(), place, target);
    else if (isBlock(key)) values.set(key, value());
    else problems.add(() => `${place}: ${unknownKey(key, TOP_NAMES, "section")}`);
  });
  return { variables, problems: problems.all(), references, blocks: { values, context, label: path } };
}

const TOP_NAMES: readonly string[] = [...FILE_SECTIONS.map(({ name }) => name), ...BLOCK_NAMES];

function isBlock(name: string): name is BlockName {
  return (BLOCK_NAMES as readonly string[]).includes(name);
}
