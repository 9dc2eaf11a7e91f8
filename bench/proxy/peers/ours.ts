/** NeuraBalancer as it ships, from a checkout. */
import { join } from "node:path";
import { checkoutVersion, launcherOf, type Start } from "../../common/programs.ts";
import type { Peer, PeerSetup } from "./peer.ts";

/**
 * @param root the checkout; its node_modules may be a link to another's.
 * @param strategy a name of `LB_STRATEGY`; left out = the one it ships with.
 */
export function neuraBalancer(name: string, title: string, root: string, strategy?: string): Peer {
  const launcher = launcherOf(root);
  return {
    name,
    title,
    proxies: true,
    ...(strategy !== undefined && { strategy }),
    version: () => checkoutVersion(root),
    prepare: ({ directory, port, tlsPort, certFile, keyFile, backendPorts, workers, accessLog }: PeerSetup): Start => ({
      command: [launcher, "serve"],
      env: {
        ...passedOn(),
        APP_HOST: "127.0.0.1",
        APP_PORT: String(port),
        ADMIN_PORT: "0",
        WORKERS: String(workers),
        SERVERS: backendPorts.map((backend) => `http://127.0.0.1:${backend}`).join(","),
        ACCESS_LOG: accessLog ? "on" : "off",
        LOG_LEVEL: "warn",
        ...(strategy !== undefined && { LB_STRATEGY: strategy }),
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
