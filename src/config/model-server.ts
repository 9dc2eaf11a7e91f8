/** The configuration of `neurabalancer model-server`: its own settings, and those that it shares with `serve`. */
import { describeUnused, findMisspelt } from "./misspelt.ts";
import { deepFreeze, readSettings } from "./read-settings.ts";
import { placeSettings } from "./schema.ts";
import { modelFiles, modelService } from "./sections/learning.ts";
import { app, log } from "./sections/process.ts";
import type { SectionValues } from "./setting.ts";
import { readSources, type SettingsSource } from "./sources/source.ts";

const SECTIONS = {
  service: modelService,
  model: { title: "Model", settings: modelFiles },
  log: { title: log.title, settings: { level: log.settings.level, format: log.settings.format } },
  app: { title: app.title, settings: { shutdownTimeoutMs: app.settings.shutdownTimeoutMs } },
} as const;

/** Frozen; times in milliseconds, unset settings `null`. */
export type ModelServerConfig = SectionValues<typeof SECTIONS>;

/** A configuration that can be used, or the sentences that say why not. */
export type ModelServerLoadResult =
  | { readonly ok: true; readonly config: ModelServerConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] };

/** Reads and checks the configuration. The files of the model are not opened here: it may come later. */
export function loadModelServerConfig(sources: readonly SettingsSource[]): ModelServerLoadResult {
  const read = readSources(sources);
  const { draft, problems: wrong } = readSettings(placeSettings(SECTIONS), read);
  const problems = [...read.problems, ...wrong];
  const warnings: string[] = [];
  for (const { maybeForeign, message } of findMisspelt(read)) (maybeForeign ? warnings : problems).push(message);
  const unused = describeUnused(read);
  if (unused !== null) warnings.push(unused);
  if (draft.model.scalerPath && draft.model.modelPath === null) {
    warnings.push("SCALER_PATH has no effect: it belongs to the model of MODEL_PATH, which is not set");
  }
  if (problems.length > 0) return { ok: false, problems, warnings };
  return { ok: true, config: deepFreeze(draft) as unknown as ModelServerConfig, warnings };
}
