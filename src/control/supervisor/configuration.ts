/**
 * The configuration in force. It is read again when somebody asks, and its certificates when their files change; what cannot
 * be used changes nothing, and is said.
 */

import { acmeCertificateFiles } from "../../config/acme/certificates.ts";
import { changesBetween, describeChange } from "../../config/changes.ts";
import type { Config } from "../../config/config.ts";
import type { EffectiveSetting } from "../../config/effective.ts";
import type { TrialTexts } from "../../config/environment.ts";
import { filesOfTracing } from "../../config/exported-traces.ts";
import { inWordsOfSources } from "../../config/in-words-of-sources.ts";
import { ConfigError, type LoadedConfig, type LoadResult } from "../../config/load.ts";
import { type ProxySettingsOptions, toProxySettings } from "../../config/proxy-settings.ts";
import { filesOf } from "../../config/routes/files.ts";
import type { ProxySettings } from "../../protocol/worker.ts";
import { FileWatch } from "../../shared/files/file-watch.ts";
import type { Override } from "../../shared/operations/override.ts";
import { shortened } from "../../shared/shortened.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import type { ReadOutcome } from "../admin/routes/configuration.ts";
import { BALANCER, type Events, OPERATOR_SIGNAL } from "../events/events.ts";
import type { Layering } from "../operations/operations.ts";

/** Of a reload history has so many sentences, each so long, at most. */
const MAX_SENTENCES = 100;
const MAX_LENGTH = 400;
/** As many of them stand in the line of an event, so long. */
const TOLD = 3;
const TOLD_LENGTH = 120;

/** What it is made from. */
export interface ConfigurationOptions {
  readonly config: Config;
  /** The settings in force, for people. */
  readonly effective: readonly EffectiveSetting[];
  /** The same texts with overrides in front of them. */
  readonly over: LoadedConfig["over"];
  /** Reads the configuration again. */
  readonly reload: () => Promise<LoadResult>;
  /** Reads it with these texts, for nobody to go by. Default: as `reload`. */
  readonly trial?: (texts: TrialTexts) => Promise<LoadResult>;
  /** What is configured was refused: this is what ran last. */
  readonly refused?: boolean;
  /** Is told what was taken over, at start and at each reload. */
  readonly onInForce?: (config: Config) => void;
  readonly log: Logger;
  readonly events: Events;
  readonly wallMs: () => number;
  /** Where pools, routes and limits of a configuration are in shared memory. Throws an `Error` for the operator. */
  readonly place: (config: Config) => Pick<ProxySettingsOptions, "rows" | "routeNumbers" | "rateLimitFiles">;
  /**
   * Makes it so, and calls `take` from where on there is no way back. Rejects before that, and nothing has changed then.
   * @param actor who wants it.
   */
  readonly apply: (config: Config, settings: ProxySettings, actor: string) => Promise<void>;
  /** What a configuration that was loaded is with what operators have set at run time. */
  readonly layer: (loaded: LoadedConfig) => Layering;
}

/** One instance's. */
export class ConfigurationInForce {
  readonly #options: ConfigurationOptions;
  readonly #log: Logger;
  readonly #files: FileWatch;
  readonly reloads = { success: 0, failure: 0 };
  readonly rejected = { configuration: false, certificates: false };
  /** As it was loaded, without what operators have set. */
  #loaded: LoadedConfig;
  #config: Config;
  #effective: readonly EffectiveSetting[];
  #settings!: ProxySettings;
  #takenMs: number;

  constructor(options: ConfigurationOptions) {
    this.#options = options;
    this.#log = options.log;
    const { config, effective, over } = options;
    this.#loaded = { ok: true, config, effective, over, warnings: [] };
    this.#config = config;
    this.#effective = effective;
    this.#takenMs = options.wallMs();
    this.rejected.configuration = options.refused ?? false;
    this.#files = new FileWatch(watchedFiles(options.config));
  }

  get config(): Config {
    return this.#config;
  }

  /** Without what operators have set at run time. */
  get loaded(): LoadedConfig {
    return this.#loaded;
  }

  /** When it was taken over: at the start or by the last reload that succeeded, milliseconds since the epoch. */
  get takenMs(): number {
    return this.#takenMs;
  }

  get effective(): readonly EffectiveSetting[] {
    return this.#effective;
  }

  /** What workers are told: the texts of its files included. */
  get settings(): ProxySettings {
    return this.#settings;
  }

  /** Reads the files that it names, for the first time. Throws a `ConfigError`. @param layered with what operators have set. */
  open({ config, effective }: Pick<LoadedConfig, "config" | "effective">): void {
    this.#config = config;
    this.#effective = effective;
    this.#files.watch(watchedFiles(config));
    this.#settings = this.#readFiles(config);
  }

  /** These are in force from now on. */
  take(config: Config, settings: ProxySettings): void {
    this.#config = config;
    this.#settings = settings;
    this.rejected.certificates = false;
  }

  /**
   * Reads everything again and takes it over; when there is anything wrong with it, the old one stays.
   * @param actor who wants it.
   */
  async reload(actor: string = OPERATOR_SIGNAL): Promise<ReadOutcome> {
    this.#log.info("reading the configuration again");
    const loaded = await this.#options.reload();
    const { warnings } = loaded;
    if (!loaded.ok) {
      this.#reject(loaded.problems, actor);
      return { ok: false, problems: loaded.problems, warnings };
    }
    for (const warning of warnings) this.#log.warn(warning);
    const before = { config: this.#config, effective: this.#effective };
    const layering = this.#options.layer(loaded);
    const { layered } = layering;
    try {
      await this.#takeOver(layered, actor);
    } catch (error) {
      const problems = problemsOf(error).map((problem) => inWordsOfSources(problem, layered.effective));
      this.#reject(problems, actor);
      return { ok: false, problems, warnings };
    }
    this.#loaded = loaded;
    const changes = changesBetween(before, layered).map(describeChange);
    if (changes.length > 0) this.#log.info({ changes }, "settings changed");
    this.#noteReload(before.config, changes, actor);
    this.reloads.success++;
    this.#takenMs = this.#options.wallMs();
    this.rejected.configuration = false;
    await layering.settle(true);
    this.#options.onInForce?.(this.#config);
    return { ok: true, changes, warnings, ended: layering.ended };
  }

  /** What a reload would do. @param texts read in place of the files; what is left out stands there. */
  async preview(texts: TrialTexts): Promise<ReadOutcome> {
    const { trial, reload } = this.#options;
    const wanted = await (trial ?? reload)(texts);
    const { warnings } = wanted;
    if (!wanted.ok) return { ok: false, problems: wanted.problems, warnings };
    const { layered, ended } = this.#options.layer(wanted);
    try {
      this.#readFiles(layered.config);
    } catch (error) {
      const problems = problemsOf(error).map((problem) => inWordsOfSources(problem, layered.effective));
      return { ok: false, problems, warnings };
    }
    const before = { config: this.#config, effective: this.#effective };
    return { ok: true, changes: changesBetween(before, layered).map(describeChange), warnings, ended };
  }

  /**
   * These overrides are in force, over what was loaded last. Rejects with a `ConfigError`, and nothing has changed then.
   * @param actor who wants it.
   */
  async relayer(overrides: readonly Override[], actor: string): Promise<void> {
    const layered = this.#loaded.over(overrides);
    if (!layered.ok) throw new ConfigError(layered.problems);
    const before = { config: this.#config, effective: this.#effective };
    await this.#takeOver(layered, actor);
    const changes = changesBetween(before, layered).map(describeChange);
    if (changes.length > 0) this.#log.info({ changes }, "settings changed");
  }

  async #takeOver({ config, effective }: LoadedConfig, actor: string): Promise<void> {
    try {
      this.#files.watch(watchedFiles(config)); // before they are read: no change may slip between
      await this.#options.apply(config, this.#readFiles(config), actor);
    } catch (error) {
      this.#files.watch(watchedFiles(this.#config));
      throw error;
    }
    this.#effective = effective;
  }

  /** Certificates are replaced file by file: what does not fit together yet is looked at again until it does. */
  async lookAtFiles(): Promise<void> {
    if (!this.#files.changed() && !this.rejected.certificates) return;
    try {
      await this.#options.apply(this.#config, this.#readFiles(this.#config), BALANCER);
      const message = `${whatIsWatched(this.#config)} were replaced`;
      this.#log.info(message);
      this.#options.events.note({ kind: "reload", message });
    } catch (error) {
      if (this.rejected.certificates) return;
      this.rejected.certificates = true;
      const problems = problemsOf(error);
      const message = `changed ${whatIsWatched(this.#config)} are not used`;
      for (const problem of problems) this.#log.error(`${message}: ${problem}`);
      this.#options.events.note({ kind: "reload", message, detail: { problems: bounded(problems) } });
    }
  }

  #readFiles(config: Config): ProxySettings {
    return toProxySettings(config, {
      ...this.#options.place(config),
      nowMs: this.#options.wallMs(),
      warn: (sentence) => this.#log.warn(sentence),
    });
  }

  #reject(problems: readonly string[], actor: string): void {
    this.reloads.failure++;
    this.rejected.configuration = true;
    for (const problem of problems) this.#log.error(problem);
    const rejected = "the new configuration is rejected; the old one stays in force";
    this.#log.error({ problems: problems.length }, rejected);
    const message = `${rejected}: ${inShort(problems)}`;
    const detail = { problems: bounded(problems) };
    this.#options.events.note({ kind: "reload", actor, message, detail });
  }

  /** What changed, in the words of the log; of each pool with another strategy also that. */
  #noteReload(before: Config, changes: readonly string[], actor: string): void {
    const { events } = this.#options;
    const count = changes.length === 1 ? "1 setting" : `${changes.length === 0 ? "no" : changes.length} settings`;
    const message = `the new configuration is in force: ${count} changed${changes.length === 0 ? "" : `: ${inShort(changes)}`}`;
    events.note({ kind: "reload", actor, message, detail: { changes: bounded(changes) } });
    for (const { name: pool, balancing } of this.#config.pools) {
      const from = before.pools.find(({ name }) => name === pool)?.balancing.strategy;
      const to = balancing.strategy;
      if (from === undefined || from === to) continue;
      const what = { kind: "change", pool, actor } as const;
      events.note({ ...what, message: `the strategy is ${to}; it was ${from}`, detail: { strategy: { from, to } } });
    }
  }
}

/** What the line of an event says of sentences; its details have the rest. */
function inShort(sentences: readonly string[]): string {
  const shown = sentences.slice(0, TOLD).map((one) => shortened(one, TOLD_LENGTH));
  const left = sentences.length - shown.length;
  return shown.join("; ") + (left > 0 ? `; and ${left} more` : "");
}

/** What an event holds of sentences. */
function bounded(sentences: readonly string[]): string[] {
  const shown = sentences.slice(0, MAX_SENTENCES).map((one) => shortened(one, MAX_LENGTH));
  const left = sentences.length - shown.length;
  return left > 0 ? [...shown, `and ${left} more`] : shown;
}

/** The sentences of an error made for the operator. */
export function problemsOf(error: unknown): readonly string[] {
  return error instanceof ConfigError ? error.problems : [(error as Error).message];
}

/** In words. */
function whatIsWatched(config: Config): string {
  const { certFiles, keyFiles } = config.tls;
  const ofCertificates = [...(certFiles ?? []), ...(keyFiles ?? []), ...acmeCertificateFiles(config)];
  const others = watchedFiles(config).length > ofCertificates.length;
  return others ? "certificates or other files that settings name" : "certificates";
}

function watchedFiles(config: Config): readonly string[] {
  const { tls, clients, pools, routes } = config;
  const ofPools = pools.flatMap(({ upstream }) => [upstream.caFile, upstream.certFile, upstream.keyFile]);
  const files = [
    ...(tls.certFiles ?? []),
    ...(tls.keyFiles ?? []),
    tls.clientCaFile,
    tls.clientCrlFile,
    clients.allowFile,
    clients.denyFile,
    ...ofPools,
    ...routes.flatMap(filesOf),
    ...filesOfTracing(config),
    ...acmeCertificateFiles(config),
  ];
  return [...new Set(files.filter((file) => file !== null))];
}
