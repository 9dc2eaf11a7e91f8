/**
 * What the configuration file calls sections and settings: the names that they have in `Config`, in snake_case as in the
 * files of Envoy and Prometheus. Units stand with the values there (`5s`, `10MB`), so names that say one lose it.
 */
import { OTHER_SECTIONS, type PlacedSetting, placeSettings, SECTIONS } from "./schema.ts";
import type { Section } from "./setting.ts";

/** A setting with the name that it has within its section. */
export interface FileSetting extends PlacedSetting<string> {
  readonly name: string;
  /** From the file's root: `timeouts.connect`. */
  readonly path: string;
}

/** A section of the file. */
export interface FileSection {
  readonly name: string;
  readonly section: Section;
  readonly settings: readonly FileSetting[];
  /** The section is this one setting and written as its value: `servers` is a list itself. */
  readonly whole: FileSetting | null;
}

/** All sections, in the order in which they are shown. */
export const FILE_SECTIONS: readonly FileSection[] = Object.entries<Section>({
  ...SECTIONS,
  modelService: OTHER_SECTIONS.modelService,
}).map(([key, section]) => {
  const name = toKey(key);
  const settings = placeSettings({ [key]: section }).map((placed): FileSetting => {
    const path = placed.setting.type.form.kind === "servers" ? name : `${name}.${toKey(placed.key)}`;
    return { ...placed, name: toKey(placed.key), path };
  });
  return { name, section, settings, whole: settings.find(({ path }) => path === name) ?? null };
});

/** What the file has beside sections of settings: shapes of their own (blocks.ts). */
export const BLOCK_NAMES = ["pools", "routes", "route_defaults", "listeners", "rate_limits"] as const;
export type BlockName = (typeof BLOCK_NAMES)[number];

const PATHS: ReadonlyMap<string, string> = new Map(
  FILE_SECTIONS.flatMap(({ settings }) => settings.map(({ setting, path }) => [setting.env, path])),
);

/** The path in the file of the setting that the environment calls `env`; `null` = it has no place there. */
export function filePath(env: string): string | null {
  return PATHS.get(env) ?? null;
}

const BY_PATH: ReadonlyMap<string, FileSetting> = new Map(
  FILE_SECTIONS.flatMap(({ settings }) => settings.map((setting) => [setting.path, setting])),
);

/** The setting that stands at the end of a path within a pool or a route: `pools.shop.timeouts.connect`. */
export function settingAt(path: string): FileSetting | null {
  const parts = path.split(".");
  return BY_PATH.get(parts.slice(-2).join(".")) ?? BY_PATH.get(parts[parts.length - 1]) ?? null;
}

function toKey(name: string): string {
  return name.replace(/(?<=[a-z])(Ms|Bytes)$/, "").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
