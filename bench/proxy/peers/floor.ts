/** Not a proxy but the least that one can be on these sockets: it copies bytes and looks at none of them. */
import { join } from "node:path";
import type { Peer } from "./peer.ts";

export const FLOOR: Peer = {
  name: "floor",
  title: "floor",
  proxies: false,
  version: () => `Bun ${Bun.version}`,
  prepare: ({ directory, port, tlsPort, certFile, keyFile, backendPorts }) => ({
    command: [
      process.execPath,
      join(import.meta.dir, "floor-process.ts"),
      ...[port, tlsPort, certFile, keyFile, ...backendPorts].map(String),
    ],
    env: {},
    logFile: join(directory, "access.log"),
  }),
};
