/** Programs that packaging is done with, and what all kinds of package have in common. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs `command` and returns its standard output. Throws with what it said when it fails. */
export function run(command: string, args: readonly string[], cwd = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (error) throw new Error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args[0]} failed (${status}): ${stderr}${stdout}`);
  return stdout;
}

/** Unpacks what the package for npm has, which is all that is shipped, below `scratch`. @returns the directory. */
export function unpackShipped(scratch: string): string {
  const [file] = run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", scratch]).trim().split("\n");
  run("tar", ["-xzf", join(scratch, file), "-C", scratch]);
  return join(scratch, "package");
}

/**
 * Arguments of tar for an archive that is the same whenever and by whomever it is made.
 * @param epochSeconds the time of every file.
 */
export function reproducible(epochSeconds: number): string[] {
  return ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=@${epochSeconds}`, "--mode=go-w"];
}

/** When this version was made, in seconds: SOURCE_DATE_EPOCH, or the last commit, or now where there is no history. */
export function epochSeconds(): number {
  const given = Number(process.env.SOURCE_DATE_EPOCH);
  if (given > 0) return given;
  try {
    return Number(run("git", ["log", "-1", "--format=%ct"]));
  } catch {
    return Math.floor(Date.now() / 1000);
  }
}
