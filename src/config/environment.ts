/** The only reader of the process's environment. */
import { existsSync } from "node:fs";
import { DEMO_SOCKET } from "../shared/live/demo.ts";
import { type AdminLoadResult, loadAdminSettings } from "./commands/admin.ts";
import { type HealthPlaces, loadHealthPlaces } from "./commands/health.ts";
import { type LoadResult, loadConfig } from "./load.ts";
import { loadModelServerConfig, type ModelServerLoadResult } from "./model-server.ts";
import { STACK_VARIABLES } from "./names/stack-variables.ts";
import { OTHER_SECTIONS, placeSettings, SECTIONS } from "./schema.ts";
import { LOG_FORMATS } from "./sections/process.ts";
import { envFileSource, envTextSource } from "./sources/env-file.ts";
import { environmentSource } from "./sources/environment.ts";
import type { KeptSources } from "./sources/last-good.ts";
import { readSources, type SettingsSource } from "./sources/source.ts";
import { loadDataDirectory, loadStorageConfig, type StorageLoadResult } from "./storage.ts";

/** File of settings that is read from the current directory when no other is named. */
export const DEFAULT_ENV_FILE = ".env";
/**
 * What the documentation calls a configuration file. It is not picked up by itself: which directory a service starts in is
 * easily overlooked, and a file of that name may be a manifest of Kubernetes.
 */
const USUAL_CONFIG_FILE = "neurabalancer.yaml";

/** Which files are read, as the command line says. */
export interface SourceFlags {
  /** A `.env` file that must exist; without it `.env` of the current directory, which may be missing. */
  readonly envFile?: string;
  /** A configuration file; without it the one of `CONFIG_FILE`, if that is set. */
  readonly config?: string;
}

/** Names of variables that nobody but the process that reads the configuration needs. */
const SECRETS: ReadonlySet<string> = new Set([
  ...placeSettings({ ...SECTIONS, ...OTHER_SECTIONS }).flatMap(({ setting }) => (setting.secret ? [setting.env] : [])),
  ...STACK_VARIABLES.flatMap(({ secret, env }) => (secret ? [env] : [])),
  // What a cluster sets for everybody and for all signals.
  "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
  "OTEL_EXPORTER_OTLP_LOGS_HEADERS",
  "OTEL_EXPORTER_OTLP_PROFILES_HEADERS",
]);

/**
 * The environment of this process for processes that it starts: without secrets. They are told what they must know; a worker
 * reads what strangers send and has no business with the password of a database.
 */
export function environmentForChildren(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SECRETS.has(name)));
}

/** Socket of the demo that has started this process; `null` = it was not the demo. */
export function demoSocket(): string | null {
  return process.env[DEMO_SOCKET] || null;
}

/** A configuration with the texts of the files that it was read from. */
export type ProcessLoadResult = LoadResult & { readonly sources: KeptSources };

/**
 * Reads the configuration of this process, now: real variables, and the files as they are at the moment.
 * @param kept texts to read instead of the files.
 */
export async function loadProcessConfig(flags: SourceFlags = {}, kept?: KeptSources): Promise<ProcessLoadResult> {
  const sources = kept === undefined ? await sourcesOf(flags) : await keptSources(kept);
  const loaded = { ...loadConfig(sources), sources: textsOf(sources) };
  if (sources.length > 2 || !existsSync(USUAL_CONFIG_FILE)) return loaded;
  const unread = `${USUAL_CONFIG_FILE} of this directory is not read: --config ${USUAL_CONFIG_FILE} does that, or CONFIG_FILE`;
  return { ...loaded, warnings: [...loaded.warnings, unread] };
}

/** Texts to read instead of the files; what is left out is read from its file. */
export interface TrialTexts {
  readonly env?: string;
  readonly yaml?: string;
}

/** What the configuration of this process would be with these texts. */
export async function loadTrialConfig(flags: SourceFlags, { env, yaml }: TrialTexts): Promise<LoadResult> {
  const envFile =
    env === undefined
      ? envFileSource(flags.envFile ?? DEFAULT_ENV_FILE, flags.envFile !== undefined)
      : envTextSource({ path: flags.envFile ?? DEFAULT_ENV_FILE, text: env });
  const sources = [environmentSource(process.env), envFile];
  const { variables } = readSources(sources);
  const path = flags.config ?? variables.get(OTHER_SECTIONS.configuration.settings.file.env)?.value;
  if (path === undefined && yaml === undefined) return loadConfig(sources);
  const { yamlFileSource, yamlTextSource } = await import("./sources/yaml/source.ts");
  const lookUp = (name: string): string | undefined => variables.get(name)?.value;
  const file =
    yaml === undefined
      ? yamlFileSource(path!, lookUp)
      : yamlTextSource({ path: path ?? USUAL_CONFIG_FILE, text: yaml }, lookUp);
  return loadConfig([...sources, file]);
}

/**
 * Whether the environment or `.env` of the current directory names servers or a configuration file: then it is clear what
 * `neurabalancer` alone is to do. So it is where something is wrong with `.env`: whoever serves says what.
 */
export function namesWhatToServe(): boolean {
  const { variables, problems } = readSources([environmentSource(process.env), envFileSource(DEFAULT_ENV_FILE, false)]);
  const names = [SECTIONS.servers.settings.list.env, OTHER_SECTIONS.configuration.settings.file.env];
  return problems.length > 0 || names.some((name) => variables.has(name));
}

/** `DATA_DIR`, however much is wrong with the rest: without the configuration file if that cannot be read. */
export async function findDataDirectory(flags: SourceFlags): Promise<string | null> {
  const sources = await sourcesOf(flags);
  for (const some of [sources, sources.slice(0, 2)]) {
    const directory = loadDataDirectory(some);
    if (directory !== null) return directory;
  }
  return null;
}

/** `LOG_FORMAT`, however much is wrong with the rest; `null` where nobody has said a format that there is. */
export async function findLogFormat(flags: SourceFlags): Promise<(typeof LOG_FORMATS)[number] | null> {
  const { variables } = readSources(await sourcesOf(flags));
  const said = variables.get(SECTIONS.log.settings.format.env)?.value.trim().toLowerCase();
  return LOG_FORMATS.find((format) => format === said) ?? null;
}

/** What `LOG_FORMAT` is in the real environment: for what there is to say before anything else is read. */
export function environmentLogFormat(): (typeof LOG_FORMATS)[number] | null {
  const said = process.env[SECTIONS.log.settings.format.env]?.trim().toLowerCase();
  return LOG_FORMATS.find((format) => format === said) ?? null;
}

/** Reads the configuration of `neurabalancer model-server`, from the same sources. */
export async function loadProcessModelServerConfig(flags: SourceFlags): Promise<ModelServerLoadResult> {
  return loadModelServerConfig(await sourcesOf(flags));
}

/** Reads the settings of the store alone, from the same sources. */
export async function loadProcessStorageConfig(flags: SourceFlags): Promise<StorageLoadResult> {
  return loadStorageConfig(await sourcesOf(flags));
}

/** Reads the settings of the admin port alone, from the same sources. */
export async function loadProcessAdminSettings(flags: SourceFlags): Promise<AdminLoadResult> {
  return loadAdminSettings(await sourcesOf(flags));
}

/** Reads where the instance is asked for its health, from the same sources. */
export async function loadProcessHealthPlaces(flags: SourceFlags): Promise<HealthPlaces> {
  return loadHealthPlaces(await sourcesOf(flags));
}

/** Where `neurabalancer backend` listens with this environment: its flags have no other names there. */
export function backendPlace(): { readonly host: string; readonly port: string } {
  return { host: process.env.BACKEND_HOST || "127.0.0.1", port: process.env.BACKEND_PORT || "8001" };
}

/** The real environment wins over `.env`, and both over the configuration file. */
async function sourcesOf({ envFile, config }: SourceFlags): Promise<readonly SettingsSource[]> {
  const sources = [environmentSource(process.env), envFileSource(envFile ?? DEFAULT_ENV_FILE, envFile !== undefined)];
  const { variables } = readSources(sources);
  const path = config ?? variables.get(OTHER_SECTIONS.configuration.settings.file.env)?.value;
  if (path === undefined) return sources;
  // Loaded only where there is a file: most instances need no reader of YAML.
  const { yamlFileSource } = await import("./sources/yaml/source.ts");
  return [...sources, yamlFileSource(path, (name) => variables.get(name)?.value)];
}

/** As it was when the texts were kept, but for the real environment. */
async function keptSources({ env, config }: KeptSources): Promise<readonly SettingsSource[]> {
  const sources = [environmentSource(process.env), envTextSource(env ?? { path: DEFAULT_ENV_FILE, text: "" })];
  if (config === null) return sources;
  const { variables } = readSources(sources);
  const { yamlTextSource } = await import("./sources/yaml/source.ts");
  return [...sources, yamlTextSource(config, (name) => variables.get(name)?.value)];
}

function textsOf([, env, config]: readonly SettingsSource[]): KeptSources {
  return { env: env?.file?.() ?? null, config: config?.file?.() ?? null };
}
