/** Runs programs of the product as a user would. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const LAUNCHER = `${ROOT}bin/neurabalancer`;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `command` with only PATH and `env` in its environment; in the root directory, where there is no .env. */
export function run(command: string, args: readonly string[], env: Record<string, string> = {}, cwd = "/"): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, [...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    encoding: "utf8",
    timeout: 20_000,
  });
  if (error) throw error;
  return { code: status, stdout, stderr };
}

/** Runs `neurabalancer`. */
export function neurabalancer(args: readonly string[], env: Record<string, string> = {}, cwd = "/"): Outcome {
  return run(LAUNCHER, args, env, cwd);
}
