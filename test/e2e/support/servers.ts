/** Servers that stand behind the product: nginx, Python's http.server, and Node.js for what these two cannot do. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/ports/free-port.ts";
import { Daemon, type Scratch } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { pathOf } from "./programs.ts";

/** A running server. */
export interface Upstream {
  readonly url: string;
  readonly port: number;
  stop(): Promise<number>;
}

/** One that speaks HTTP/2 at another port. */
export interface Http2Upstream extends Upstream {
  readonly http2Url: string;
}

/** Tells each WebSocket's close code and reason on its standard output. */
export interface LiveServer extends Upstream {
  output(): string;
}

/** `python3 -m http.server` over `root`: HTTP/1.0, every body until close. */
export async function startPython(root: string): Promise<Upstream> {
  const daemon = new Daemon([pathOf("python3"), "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"], { cwd: root });
  const port = Number(await daemon.says(({ stdout }) => /port (\d+)/.exec(stdout)?.[1]));
  return { url: `http://127.0.0.1:${port}`, port, stop: () => daemon.stop() };
}

/** live-server.mjs, run by Node.js: event stream, responses that are held, WebSocket echo. */
export async function startLive(): Promise<LiveServer> {
  const daemon = new Daemon([pathOf("node"), join(import.meta.dir, "live-server.mjs")]);
  const port = Number(await daemon.says(({ stdout }) => /port (\d+)/.exec(stdout)?.[1]));
  return { url: `http://127.0.0.1:${port}`, port, output: () => daemon.stdout, stop: () => daemon.stop() };
}

/**
 * nginx over `root`, HTTP/1.1 with keep-alive. Beside the files:
 * - `PUT /up/<name>` writes a file into `root`;
 * - `POST /post` answers with the path of the file that has the body;
 * - `/echo` answers with method, URI, version, Host and a short body as they arrived;
 * - `/live/…` is passed on to `live`, if given.
 *
 * At its other port it speaks HTTP/2 in clear, eight streams at once on a connection, which ends (GOAWAY) after twenty requests.
 */
export async function startNginx(root: string, scratch: Scratch, live?: Upstream): Promise<Http2Upstream> {
  for (let attempt = 1; ; attempt++) {
    const [port, http2Port] = [freePort(), freePort()];
    const home = scratch.file(`nginx-${port}`);
    for (const name of ["", "body", "proxy", "fastcgi", "uwsgi", "scgi"]) mkdirSync(join(home, name));
    mkdirSync(join(root, "up"), { recursive: true });
    const config = join(home, "nginx.conf");
    writeFileSync(config, nginxConfig({ port, http2Port, root, home, live }));
    const daemon = new Daemon([pathOf("nginx"), "-p", home, "-c", config, "-e", "stderr"]);
    const ended = () => daemon.process.exitCode !== null;
    await until(async () => ended() || (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok);
    const http2Url = `h2c://127.0.0.1:${http2Port}`;
    if (!ended()) return { url: `http://127.0.0.1:${port}`, http2Url, port, stop: () => daemon.stop() };
    // Somebody else may have taken the port since it was free.
    if (attempt === 3 || !daemon.stderr.includes("Address already in use")) throw new Error(daemon.stderr);
  }
}

interface NginxOptions {
  readonly port: number;
  readonly http2Port: number;
  readonly root: string;
  readonly home: string;
  readonly live: Upstream | undefined;
}

function nginxConfig({ port, http2Port, root, home, live }: NginxOptions): string {
  const liveLocation = `
    location /live/ {
      proxy_pass http://127.0.0.1:${live?.port}/;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_field;
      proxy_buffering off;
    }`;
  const site = `root ${root};
    location / { add_header X-Served-By nginx; }
    location /up/ { dav_methods PUT DELETE; }
    location = /post {
      client_body_in_file_only on;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
      proxy_set_header X-Body-File $request_body_file;
      proxy_pass http://127.0.0.1:${port}/said/file;
    }
    location = /said/file { default_type text/plain; return 200 "$http_x_body_file"; }
    location = /echo {
      client_body_buffer_size 64k;
      proxy_set_header Content-Length "";
      proxy_set_header X-Seen "$request_method $request_uri $server_protocol host=$http_host";
      proxy_set_header X-Body $request_body;
      proxy_pass_request_body off;
      proxy_pass http://127.0.0.1:${port}/said/seen;
    }
    location = /said/seen { default_type text/plain; return 200 "$http_x_seen body=$http_x_body"; }${live ? liveLocation : ""}`;
  return `
daemon off;
pid ${home}/nginx.pid;
# The temporary directories are this user's only; root's workers would run as another.
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 1;
events { worker_connections 4096; }
http {
  types { text/html html; text/css css; text/javascript js; image/svg+xml svg; text/plain txt; }
  default_type application/octet-stream;
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  client_max_body_size 0;
  client_body_temp_path ${home}/body;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  gzip on;
  gzip_types text/plain;
  gzip_proxied any;
  gzip_min_length 100;
  map $http_upgrade $connection_field { default upgrade; "" ""; }
  server {
    listen 127.0.0.1:${port};
    ${site}
  }
  server {
    listen 127.0.0.1:${http2Port} http2;
    keepalive_requests 20;
    http2_max_concurrent_streams 8;
    ${site}
  }
}
`;
}
