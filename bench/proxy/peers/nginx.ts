/** nginx doing the same work, tuned in its favour. What that means is explained in docs/performance.md. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nginxCommand, nginxPreamble, nginxVersion, type Start } from "../../common/programs.ts";
import type { Peer, PeerSetup } from "./peer.ts";

export const NGINX: Peer = {
  name: "nginx",
  title: "nginx",
  proxies: true,
  version: nginxVersion,
  prepare: (setup: PeerSetup): Start => {
    const { directory } = setup;
    const file = join(directory, "nginx.conf");
    mkdirSync(join(directory, "temporary"));
    writeFileSync(file, nginxConfig(setup));
    return { command: nginxCommand(directory, file), env: {}, logFile: join(directory, "access.log") };
  },
};

/** The whole configuration file. */
export function nginxConfig(setup: PeerSetup): string {
  const { directory, port, h2Port, tlsPort, certFile, keyFile, backendPorts, workers, accessLog } = setup;
  const log = accessLog
    ? `access_log ${join(directory, "access.log")} json buffer=32k flush=200ms;`
    : "access_log off;";
  const tls =
    tlsPort === 0
      ? ""
      : `listen 127.0.0.1:${tlsPort} ssl http2 reuseport backlog=4096;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    ssl_protocols TLSv1.3;`;
  return `${nginxPreamble(directory, workers)}
  log_format json escape=json '{"ts":"$time_iso8601","request_id":"$request_id","method":"$request_method",'
    '"path":"$request_uri","status":$status,"duration":$request_time,"remote_ip":"$remote_addr",'
    '"server_id":"$upstream_addr","bytes":$body_bytes_sent,"trace_id":"$http_traceparent"}';
  ${log}
  upstream servers {
    least_conn;
    ${backendPorts.map((backend) => `server 127.0.0.1:${backend} max_fails=0;`).join("\n    ")}
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 75s;
  }
  server {
    listen 127.0.0.1:${port} reuseport backlog=4096;
    listen 127.0.0.1:${h2Port} http2 reuseport backlog=4096;
    ${tls}
    keepalive_requests 1000000000;
    keepalive_timeout 75s;
    client_max_body_size 0;
    location / {
      proxy_pass http://servers;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
      proxy_buffers 16 32k;
      proxy_buffer_size 16k;
      proxy_busy_buffers_size 256k;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Forwarded 'for=$remote_addr;host="$http_host";proto=$scheme';
      proxy_set_header Via "1.1 nginx";
      proxy_set_header X-Request-Id $request_id;
    }
  }
}
`;
}
