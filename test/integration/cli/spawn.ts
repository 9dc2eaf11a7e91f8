/** Runs programs of the product as a user would. */
import { fileURLToPath } from "node:url";
import { spawn, spawnSync } from "../../support/processes.ts";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const LAUNCHER = `${ROOT}bin/neurabalancer`;

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `command` with only PATH and `env` in its environment; in the root directory, where there is no .env. */
export function run(command: string, args: readonly string[], env: Record<string, string> = {}, cwd = "/"): Outcome {
  const { exitCode, stdout, stderr } = spawnSync([command, ...args], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdout: "pipe",
    stderr: "pipe",
    timeout: 60_000,
  });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Runs `neurabalancer`. */
export function neurabalancer(args: readonly string[], env: Record<string, string> = {}, cwd = "/"): Outcome {
  return run(LAUNCHER, args, env, cwd);
}

/** As `neurabalancer`, while this process goes on: its servers have to. */
export async function neurabalancerBeside(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = "/",
): Promise<Outcome> {
  const { exited, stdout, stderr } = spawn({
    cmd: [LAUNCHER, ...args],
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [code, out, err] = await Promise.all([exited, new Response(stdout).text(), new Response(stderr).text()]);
  return { code, stdout: out, stderr: err };
}
