/** Where workers offer their listening sockets to those of an instance that takes over (proxy/sockets/hand-over.ts). */
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The name of one in an instance's directory. */
export const LISTEN_SOCKET_NAME = /^listen-([0-9]+)\.sock$/;

/** Where worker `index` offers its own. */
export function listenSocketPath(directory: string, index: number): string {
  return join(directory, `listen-${index}.sock`);
}

/** Those of an instance, in the order of workers; none when its directory has gone. Some may be of workers that have gone. */
export function listenSocketPaths(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  const indices = names.flatMap((name) => LISTEN_SOCKET_NAME.exec(name)?.slice(1, 2).map(Number) ?? []);
  return indices.sort((a, b) => a - b).map((index) => listenSocketPath(directory, index));
}
