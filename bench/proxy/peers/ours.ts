/** NeuraBalancer as it ships, from a checkout. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Peer, PeerSetup, Start } from "./peer.ts";

/**
 * @param root the checkout; its node_modules may be a link to another's.
 */
export function neuraBalancer(name: string, title: string, root: string): Peer {
  const launcher = join(root, "bin/neurabalancer");
  return {
    name,
    title,
    proxies: true,
    version: () => (existsSync(launcher) ? commitOf(root) : null),
    prepare: ({ directory, port, tlsPort, certFile, keyFile, backendPorts, workers, accessLog }: PeerSetup): Start => ({
      command: [launcher, "serve"],
      env: {
        ...passedOn(),
        APP_HOST: "127.0.0.1",
        APP_PORT: String(port),
        WORKERS: String(workers),
        SERVERS: backendPorts.map((backend) => `http://127.0.0.1:${backend}`).join(","),
        ACCESS_LOG: accessLog ? "on" : "off",
        LOG_LEVEL: "warn",
        ...(tlsPort > 0 && { TLS_PORT: String(tlsPort), TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile }),
      },
      logFile: join(directory, "access.log"),
    }),
  };
}

/** What the launcher would take from its surroundings, so that it can be measured with another value. */
function passedOn(): Record<string, string> {
  const { MIMALLOC_PURGE_DELAY } = process.env;
  return MIMALLOC_PURGE_DELAY === undefined ? {} : { MIMALLOC_PURGE_DELAY };
}

function commitOf(root: string): string {
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
