/** Configuration files of the tests of pools, routes and listeners. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadResult, loadConfig } from "../../../../src/config/load.ts";
import { environmentSource } from "../../../../src/config/sources/environment.ts";
import { yamlFileSource } from "../../../../src/config/sources/yaml/source.ts";

/** A directory with one file. */
export class ConfigFile {
  readonly #directory = mkdtempSync(join(tmpdir(), "neurabalancer-sites-"));
  readonly #path = join(this.#directory, "n.yaml");

  load(text: string, env: Record<string, string> = {}): LoadResult {
    writeFileSync(this.#path, text);
    return loadConfig([environmentSource(env), yamlFileSource(this.#path, (name) => env[name])]);
  }

  right(text: string, env: Record<string, string> = {}) {
    const loaded = this.load(text, env);
    if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
    const warnings = loaded.warnings.map((warning) => this.#short(warning));
    const effective = loaded.effective.map((one) => ({ ...one, origin: this.#short(one.origin) }));
    return { ...loaded, warnings, effective };
  }

  /** The problems, with `n.yaml` for the path. */
  problems(text: string, env: Record<string, string> = {}): string[] {
    const loaded = this.load(text, env);
    return loaded.ok ? [] : loaded.problems.map((problem) => this.#short(problem));
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #short(text: string): string {
    return text.replaceAll(this.#path, "n.yaml");
  }
}
