/** HAProxy doing the same work, tuned in its favour. What that means is explained in docs/performance.md. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { haproxyCommand, haproxyVersion, type Start } from "../../common/programs.ts";
import type { Peer, PeerSetup } from "./peer.ts";

export const HAPROXY: Peer = {
  name: "haproxy",
  title: "HAProxy",
  proxies: true,
  asksHttp2: true,
  version: haproxyVersion,
  prepare: (setup: PeerSetup): Start => {
    const { directory, certFile, keyFile, tlsPort } = setup;
    const file = join(directory, "haproxy.cfg");
    if (tlsPort > 0) {
      writeFileSync(join(directory, "certificate.pem"), readFileSync(certFile, "utf8") + readFileSync(keyFile, "utf8"));
    }
    writeFileSync(file, haproxyConfig(setup));
    return { command: haproxyCommand(file), env: {}, logFile: join(directory, "access.log") };
  },
};

/** The whole configuration file. */
export function haproxyConfig({
  directory,
  port,
  h2Port,
  tlsPort,
  backendPorts,
  servers,
  workers,
  accessLog,
}: PeerSetup): string {
  const certificate = join(directory, "certificate.pem");
  const tls =
    tlsPort > 0
      ? frontend("https", `bind 127.0.0.1:${tlsPort} backlog 4096 ssl crt ${certificate} alpn h2,http/1.1`)
      : "";
  const protocol = servers === "http2" ? " proto h2" : "";
  return `
global
  nbthread ${workers}
  maxconn 8192
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ${accessLog ? "log stdout len 4096 format raw local0 info" : ""}
defaults
  mode http
  timeout connect 2s
  timeout client 75s
  timeout server 60s
  timeout http-request 10s
  timeout http-keep-alive 75s
  ${accessLog ? "log global" : ""}
${frontend("http", `bind 127.0.0.1:${port} backlog 4096\n  bind 127.0.0.1:${h2Port} backlog 4096 proto h2`)}${tls}
backend servers
  balance leastconn
  http-reuse always
  ${backendPorts.map((backend, index) => `server s${index + 1} 127.0.0.1:${backend}${protocol}`).join("\n  ")}
`;
}

/** One for each scheme: constants are cheaper than a question per request. */
function frontend(scheme: string, bind: string): string {
  return `
frontend clients-${scheme}
  ${bind}
  unique-id-format %[rand,hex]%[rand,hex]
  http-request del-header X-Request-Id
  unique-id-header X-Request-Id
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Proto ${scheme}
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header Forwarded for=%[src];host=\\"%[req.hdr(host)]\\";proto=${scheme}
  http-request add-header Via "1.1 haproxy"
  log-format '${HAPROXY_LOG}'
  default_backend servers
`;
}

const HAPROXY_LOG =
  '{"ts":"%T","request_id":"%ID","method":"%HM","path":"%HU","status":%ST,"duration":%Ta,"remote_ip":"%ci",' +
  '"server_id":"%s","bytes":%B,"trace_id":""}';
