/** Caddy, for orientation: the ratio of the table is to the better of nginx and HAProxy. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { executable, type Start, versionOf } from "../../common/programs.ts";
import type { Peer, PeerSetup } from "./peer.ts";

export const CADDY: Peer = {
  name: "caddy",
  title: "Caddy",
  proxies: true,
  version: () => versionOf([executable("caddy") ?? "caddy", "version"], /v?(\d+\.\d[\d.]*)/),
  prepare: (setup: PeerSetup): Start => {
    const { directory, workers } = setup;
    const file = join(directory, "Caddyfile");
    writeFileSync(file, caddyfile(setup));
    return {
      command: [executable("caddy") ?? "caddy", "run", "--config", file, "--adapter", "caddyfile"],
      env: { GOMAXPROCS: String(workers), HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
      logFile: join(directory, "access.log"),
    };
  },
};

/** The whole configuration file. Its log line and ids are Caddy's own. */
export function caddyfile({
  directory,
  port,
  h2Port,
  tlsPort,
  certFile,
  keyFile,
  backendPorts,
  accessLog,
}: PeerSetup): string {
  const log = accessLog ? `log {\n    output file ${join(directory, "access.log")} {\n roll_disabled\n }\n  }` : "";
  const site = (address: string, tls: string): string => `
${address} {
  bind 127.0.0.1
  ${tls}
  ${log}
  reverse_proxy ${backendPorts.map((backend) => `127.0.0.1:${backend}`).join(" ")} {
    lb_policy least_conn
    header_up X-Request-Id {http.request.uuid}
    header_up Forwarded "for={http.request.remote.host};host=\\"{http.request.host}\\";proto={http.request.scheme}"
    header_up Via "1.1 caddy"
    transport http {
      keepalive_idle_conns_per_host 1024
    }
  }
}
`;
  return `{
  admin off
  auto_https off
  servers :${h2Port} {
    protocols h2c
  }
}
${site(`http://:${port}`, "")}${site(`http://:${h2Port}`, "")}${tlsPort > 0 ? site(`https://:${tlsPort}`, `tls ${certFile} ${keyFile}`) : ""}`;
}
