/** Programs that take part in a benchmark: where they are and which version. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** How to start a program. It stays in the foreground. */
export interface Start {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where its standard output is appended: the access log, where a program writes it there. */
  readonly logFile: string;
}

/** Settings of NeuraBalancer: what is measured is balancing, not the keeping of what happens, unless a benchmark says so. */
export const KEEPS_NOTHING: Readonly<Record<string, string>> = { HISTORY: "off", LEARNING_SAMPLES: "off" };

/** The path of an executable, also in the directories that only root has in its PATH. */
export function executable(name: string): string | null {
  return Bun.which(name, { PATH: `${process.env.PATH ?? ""}:/usr/local/sbin:/usr/sbin:/sbin` });
}

/** The first group of `pattern` in what a command says, or null when it cannot be run. */
export function versionOf(command: readonly string[], pattern: RegExp): string | null {
  try {
    const { stdout, stderr } = Bun.spawnSync([...command]);
    return pattern.exec(`${stdout}${stderr}`)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** The version of nginx on this machine; null = there is none. */
export function nginxVersion(): string | null {
  return versionOf([executable("nginx") ?? "nginx", "-v"], /nginx\/(\S+)/);
}

/** The command that starts nginx in the foreground with this configuration file and directory for its other files. */
export function nginxCommand(directory: string, file: string): string[] {
  return [executable("nginx") ?? "nginx", "-p", directory, "-c", file, "-e", join(directory, "error.log")];
}

/**
 * The first lines of a configuration file of nginx, up to and with those in `http` that say where it may write: nothing
 * outside `directory`, whoever starts it.
 */
export function nginxPreamble(directory: string, workers: number): string {
  const temporary = join(directory, "temporary");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `
daemon off;
${user}
worker_processes ${workers};
pid ${join(directory, "nginx.pid")};
events { worker_connections 16384; }
http {
  client_body_temp_path ${temporary}/body;
  proxy_temp_path ${temporary}/proxy;
  fastcgi_temp_path ${temporary}/fastcgi;
  uwsgi_temp_path ${temporary}/uwsgi;
  scgi_temp_path ${temporary}/scgi;`;
}

/** The version of HAProxy on this machine; null = there is none. */
export function haproxyVersion(): string | null {
  return versionOf([executable("haproxy") ?? "haproxy", "-v"], /version (\d[\d.]*)/);
}

/** The command that starts HAProxy in the foreground with this configuration file. */
export function haproxyCommand(file: string): string[] {
  return [executable("haproxy") ?? "haproxy", "-db", "-f", file];
}

/** The launcher of a checkout of NeuraBalancer. */
export function launcherOf(root: string): string {
  return join(root, "bin/neurabalancer");
}

/** The commit of a checkout of NeuraBalancer; null = there is none at `root`. */
export function checkoutVersion(root: string): string | null {
  if (!existsSync(launcherOf(root))) return null;
  try {
    const git = (...args: string[]): string =>
      Bun.spawnSync(["git", "-C", root, ...args])
        .stdout.toString()
        .trim();
    const commit = git("rev-parse", "--short", "HEAD");
    return commit === "" ? "unknown commit" : commit + (git("status", "--porcelain", "src") === "" ? "" : ", changed");
  } catch {
    return "unknown commit";
  }
}

/** A port of the loopback interface that nobody listened on a moment ago. */
export function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}
