/** What `serve` starts with: what is configured, or with `--last-good`, when that is wrong, what ran last. */
import {
  findDataDirectory,
  loadProcessConfig,
  type ProcessLoadResult,
  type SourceFlags,
} from "../config/environment.ts";
import { inWordsOfSources } from "../config/in-words-of-sources.ts";
import { ConfigError } from "../config/load.ts";
import { toProxySettings } from "../config/proxy-settings.ts";
import { readKeptSources } from "../config/sources/last-good.ts";

/** Flags of `serve`. */
export interface ServeFlags extends SourceFlags {
  readonly lastGood?: boolean;
  /** Seconds; `true` = as long as usual. */
  readonly takeOver?: number | true;
}

/** What to start with. */
export interface Startable {
  readonly loaded: ProcessLoadResult;
  /** What is wrong with what is configured, when `loaded` is not that but what ran last. */
  readonly refused: readonly string[];
}

/**
 * Loads it. With `--last-good` the files that it names are looked at here already: they are part of what may be wrong.
 * @param nowMs since the epoch, for the validity of certificates.
 */
export async function loadToServe(flags: ServeFlags, nowMs: number): Promise<Startable> {
  const loaded = await loadProcessConfig(flags);
  if (!flags.lastGood) return { loaded, refused: [] };
  const refused = problemsOf(loaded, nowMs);
  if (refused.length === 0) return { loaded, refused };
  const wrong = (more: readonly string[]): Startable => {
    const { sources, warnings } = loaded;
    return { loaded: { ok: false, sources, warnings, problems: [...refused, ...more] }, refused: [] };
  };
  const directory = loaded.ok ? loaded.config.storage.dataDir : await findDataDirectory(flags);
  if (directory === null) return wrong(["--last-good: DATA_DIR cannot be read, so it is not known where to look"]);
  try {
    const kept = readKeptSources(directory);
    if (kept === null) {
      return wrong([`--last-good: no configuration that ran is kept in ${directory} (DATA_DIR)`]);
    }
    const last = await loadProcessConfig(flags, kept);
    const problems = problemsOf(last, nowMs);
    if (problems.length === 0) return { loaded: last, refused };
    return wrong(problems.map((problem) => `--last-good: what ran last cannot be used either: ${problem}`));
  } catch (error) {
    return wrong([`--last-good: ${(error as Error).message}`]);
  }
}

function problemsOf(loaded: ProcessLoadResult, nowMs: number): readonly string[] {
  if (!loaded.ok) return loaded.problems;
  try {
    toProxySettings(loaded.config, { nowMs });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => inWordsOfSources(problem, loaded.effective));
  }
}
