/** The workflows of .github/, as their steps. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export const ROOT = join(import.meta.dir, "../../..");
const FOLDER = ".github/workflows";

export interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Job {
  readonly needs?: string | readonly string[];
  readonly uses?: string;
  readonly container?: { readonly image: string };
  readonly environment?: unknown;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "runs-on"?: string;
  readonly "timeout-minutes"?: number;
  readonly steps?: readonly Step[];
}

export interface Workflow {
  /** `.github/workflows/ci.yml` */
  readonly path: string;
  readonly text: string;
  readonly on: unknown;
  readonly env?: Readonly<Record<string, string>>;
  readonly permissions?: unknown;
  readonly defaults?: { readonly run?: { readonly shell?: string } };
  readonly concurrency?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

export function workflows(): Workflow[] {
  return readdirSync(join(ROOT, FOLDER))
    .sort()
    .map((name) => {
      const path = `${FOLDER}/${name}`;
      const text = readFileSync(join(ROOT, path), "utf8");
      return { ...parse(text, { uniqueKeys: true }), path, text };
    });
}

/** Every step of every job, with where it stands: `.github/workflows/ci.yml, lint`. */
export function stepsOf(all: readonly Workflow[]): { readonly where: string; readonly step: Step }[] {
  return all.flatMap(({ path, jobs }) =>
    Object.entries(jobs).flatMap(([name, { steps = [] }]) =>
      steps.map((step) => ({ where: `${path}, ${name}`, step })),
    ),
  );
}
