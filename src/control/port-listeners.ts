/** Who listens on a port, for a message: as far as the system tells this user. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** State of a socket that listens, in proc_net_tcp(5). */
const LISTEN = "0A";

/** `: <name>, process <id>` of all that listen on `port`, whatever their address; empty when nobody can be named. */
export function listenersOn(port: number): string {
  const sockets = new Set(
    ["tcp", "tcp6"].flatMap((table) => inodesOf(table, port)).map((inode) => `socket:[${inode}]`),
  );
  if (sockets.size === 0) return "";
  const found = list("/proc").filter((name) => /^\d+$/.test(name) && holdsOne(name, sockets));
  return found.length === 0 ? "" : `: ${found.map((pid) => `${nameOf(pid)}, process ${pid}`).join("; ")}`;
}

function inodesOf(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return read(`/proc/self/net/${table}`)
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTEN && local.endsWith(end))
    .map((columns) => columns[9]);
}

function holdsOne(pid: string, sockets: ReadonlySet<string>): boolean {
  return list(`/proc/${pid}/fd`).some((fd) => sockets.has(link(`/proc/${pid}/fd/${fd}`)));
}

function nameOf(pid: string): string {
  return read(`/proc/${pid}/comm`).replace(/[^\x20-\x7e]/g, "") || "unknown";
}

function list(path: string): string[] {
  return attempt(() => readdirSync(path), []);
}

function read(path: string): string {
  return attempt(() => readFileSync(path, "utf8"), "");
}

function link(path: string): string {
  return attempt(() => readlinkSync(path), "");
}

/** What is another user's, has ended or does not exist on this system is not told of. */
function attempt<T>(action: () => T, otherwise: T): T {
  try {
    return action();
  } catch {
    return otherwise;
  }
}
