/**
 * What Docker Compose makes of docker-compose.yml, by the library that it is made of. It is built where Go is at hand
 * (`npm run build:compose`).
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawnSync } from "../processes.ts";

const ROOT = join(import.meta.dir, "../../..");
const PROGRAM = join(ROOT, "node_modules/.cache/compose-parser");

/** Without it there is nothing to try, but for a run that must not leave anything out. */
export const hasCompose = existsSync(PROGRAM) || process.env.CI === "true";
if (!hasCompose) console.warn("SKIPPED: nothing here reads docker-compose.yml (npm run build:compose)");

/** A service, as far as tests look at it. */
export interface ComposeService {
  readonly image: string;
  readonly command: readonly string[] | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports?: readonly { readonly host_ip: string; readonly published: string; readonly target: number }[];
  readonly volumes?: readonly { readonly type: string; readonly source: string; readonly target: string }[];
  readonly healthcheck?: { readonly test?: readonly string[] };
}

/** What came of it. */
export interface ComposeResult {
  readonly services: Readonly<Record<string, ComposeService>> | null;
  /** Warnings, or why there are no services. */
  readonly said: string;
}

/** How the directory beside docker-compose.yml looks. */
export interface ComposeInput {
  /** Text of `.env`; `null` = there is none. */
  readonly env: string | null;
  /** Text of docker-compose.override.yml. */
  readonly override?: string;
  /** What is exported where docker compose runs. */
  readonly exported?: Readonly<Record<string, string>>;
}

/** `.env.example` as it is shipped. */
export const envExample = (): string => readFileSync(join(ROOT, ".env.example"), "utf8");

/** Reads docker-compose.yml in a directory of its own, which is gone afterwards. */
export function readCompose({ env, override, exported = {} }: ComposeInput): ComposeResult {
  const directory = mkdtempSync(join(tmpdir(), "nb-compose-"));
  try {
    cpSync(join(ROOT, "docker-compose.yml"), join(directory, "docker-compose.yml"));
    if (env !== null) writeFileSync(join(directory, ".env"), env);
    if (override !== undefined) writeFileSync(join(directory, "docker-compose.override.yml"), override);
    const variables = Object.entries(exported).map(([name, value]) => `${name}=${value}`);
    const { exitCode, stdout, stderr } = spawnSync([PROGRAM, directory, ...variables], { env: {} });
    const services = exitCode === 0 ? JSON.parse(stdout.toString()).services : null;
    return { services, said: stderr.toString() };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
