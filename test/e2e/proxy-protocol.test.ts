/** The PROXY protocol with others: HAProxy in front of the product, nginx and HAProxy behind it, with TLS and without. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/ports/free-port.ts";
import { Daemon, run, Scratch } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { type CertificateFiles, makeCertificates } from "./support/certificates.ts";
import { Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";

const FIRST = "first.example.test";
const SECOND = "second.example.test";
/** Where HAProxy connects from. */
const PROXY = "127.0.0.7";
/** As the client: not where the proxies are. */
const CLIENT = "127.0.0.9";

describeWith(["curl", "nginx", "haproxy", "openssl"], "the PROXY protocol", () => {
  const scratch = new Scratch();
  const daemons: Daemon[] = [];
  let certificates: CertificateFiles;
  let pem: string;

  beforeAll(async () => {
    certificates = makeCertificates(scratch.file("tls"), [FIRST, SECOND]);
    pem = scratch.file("both.pem");
    const { cert, key } = firstOf(certificates);
    writeFileSync(pem, `${await Bun.file(cert).text()}${await Bun.file(key).text()}`);
  });
  afterAll(async () => {
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    scratch.remove();
  });

  async function listens(daemon: Daemon, port: number): Promise<void> {
    daemons.push(daemon);
    await until(async () => {
      if (daemon.process.exitCode !== null) throw new Error(daemon.stderr);
      return (await run(["curl", "-s", "--max-time", "2", "-o", "/dev/null", `http://127.0.0.1:${port}/`])).code !== 7;
    });
  }

  async function haproxy(config: string): Promise<void> {
    const file = scratch.file(`haproxy-${daemons.length}.cfg`);
    const timeouts = "timeout connect 5s\n  timeout client 10s\n  timeout server 10s";
    writeFileSync(file, `defaults\n  mode http\n  ${timeouts}\n${config}\n`);
    const port = Number(/bind 127\.0\.0\.1:(\d+)/.exec(config)?.[1]);
    await listens(new Daemon([pathOf("haproxy"), "-db", "-f", file]), port);
  }

  /** Says whose request it takes one for. @param tls with a certificate of FIRST. */
  async function nginxBehind(tls: boolean): Promise<number> {
    const port = freePort();
    const home = scratch.file(`nginx-${port}`);
    for (const name of ["", "body", "proxy", "fastcgi", "uwsgi", "scgi"]) mkdirSync(join(home, name));
    const { cert, key } = firstOf(certificates);
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${home}/${name.replace("client_", "")};`,
    );
    writeFileSync(
      join(home, "nginx.conf"),
      `daemon off; pid ${home}/pid; ${process.getuid?.() === 0 ? "user root;" : ""} worker_processes 1; events {}
       http { access_log off; ${paths.join(" ")}
         server { listen 127.0.0.1:${port} proxy_protocol ${tls ? "ssl" : ""};
           ${tls ? `ssl_certificate ${cert}; ssl_certificate_key ${key};` : ""}
           location / { return 200 "nginx $proxy_protocol_addr"; } } }`,
    );
    await listens(new Daemon([pathOf("nginx"), "-p", home, "-c", join(home, "nginx.conf"), "-e", "stderr"]), port);
    return port;
  }

  async function haproxyBehind(tls: boolean): Promise<number> {
    const port = freePort();
    const ssl = tls ? ` ssl crt ${pem}` : "";
    await haproxy(`frontend f
  bind 127.0.0.1:${port} accept-proxy${ssl}
  http-request return status 200 content-type text/plain lf-string "haproxy %[src]"`);
    return port;
  }

  async function haproxyInFrontOf(
    port: number,
    version: "send-proxy" | "send-proxy-v2",
    tls: boolean,
  ): Promise<number> {
    const own = freePort();
    const ssl = tls ? ` ssl verify required ca-file ${certificates.caFile} sni str(${FIRST}) verifyhost ${FIRST}` : "";
    await haproxy(`listen l
  bind 127.0.0.1:${own}
  server s 127.0.0.1:${port} source ${PROXY} ${version} check check-send-proxy${ssl}
  option httpchk GET /health/live`);
    return own;
  }

  async function askedBy(address: string, port: number): Promise<string> {
    const args = ["-sS", "--max-time", "15", "--interface", address, `http://127.0.0.1:${port}/`];
    return (await run([pathOf("curl"), ...args])).stdout.toString();
  }

  const IN = { PROXY_PROTOCOL: "on", PROXY_PROTOCOL_FROM: PROXY, HEALTH_CHECK_PATH: "/" };

  test.each([
    ["send-proxy", "v1", false],
    ["send-proxy-v2", "v2", false],
    ["send-proxy", "v2", true],
    ["send-proxy-v2", "v1", true],
  ] as const)("from HAProxy (%s) to nginx and HAProxy (%s; TLS on both sides: %p)", async (version, out, tls) => {
    const servers = await Promise.all([nginxBehind(tls), haproxyBehind(tls)]);
    const scheme = tls ? "https" : "http";
    const product = await Product.start(
      servers.map((port) => `${scheme}://127.0.0.1:${port}`),
      {
        ...IN,
        UPSTREAM_PROXY_PROTOCOL: out,
        LB_STRATEGY: "round_robin",
        ...(tls && { ...certificates.settings, UPSTREAM_CA_FILE: certificates.caFile, UPSTREAM_SERVER_NAME: FIRST }),
      },
    );
    try {
      const port = await haproxyInFrontOf(tls ? product.tlsPort : product.port, version, tls);
      await until(async () => (await askedBy(CLIENT, port)).startsWith("nginx"));
      const answers = new Set<string>();
      // Twice each in turn: the servers take turns, too.
      await until(async () => {
        for (const address of [CLIENT, CLIENT, "127.0.0.8", "127.0.0.8"]) answers.add(await askedBy(address, port));
        return answers.size >= 4;
      });
      expect([...answers].sort()).toEqual([
        "haproxy 127.0.0.8",
        `haproxy ${CLIENT}`,
        "nginx 127.0.0.8",
        `nginx ${CLIENT}`,
      ]);
    } finally {
      await product.stop();
    }
  });
});

function firstOf({ settings }: CertificateFiles): { readonly cert: string; readonly key: string } {
  return { cert: settings.TLS_CERT_FILE.split(",")[0], key: settings.TLS_KEY_FILE.split(",")[0] };
}
