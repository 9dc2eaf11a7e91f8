/** Settings of the process: where it listens, how many workers, what it logs. */
import { ACCESS_LOG_FORMATS } from "../../shared/access-log-fields.ts";
import { MAX_WORKERS } from "../../shared/memory/layout/shared-memory.ts";
import { optional, setting } from "../setting.ts";
import { listenHost } from "../values/addresses.ts";
import { logFields } from "../values/log-fields.ts";
import { cipherList, curveList, DEFAULT_CIPHERS } from "../values/tls-names.ts";
import { decimal, integer, oneOf, path, pathList, port, seconds, size, text, toggle } from "../values/value-types.ts";
import { viewers } from "../values/viewers.ts";

/** What `APP_ENV` may be. */
const ENVIRONMENTS = ["development", "staging", "production"] as const;

/** What `LOG_LEVEL` and `LOG_FORMAT` may be. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export const LOG_FORMATS = ["json", "text"] as const;

/** Where settings are read from, beside the environment. */
export const configuration = {
  title: "Configuration file",
  settings: {
    file: optional({
      env: "CONFIG_FILE",
      type: path,
      doc: "A file of settings in YAML, as `--config` names it, which wins. Unset means none: no file is picked up by itself.",
    }),
  },
};

/** The instance and its public port. */
export const app = {
  title: "Application",
  settings: {
    environment: setting({
      env: "APP_ENV",
      type: oneOf(ENVIRONMENTS),
      default: "development",
      doc: "What this deployment is for. The log names it at start, and it changes nothing else.",
    }),
    zone: optional({
      env: "APP_ZONE",
      type: text,
      doc: "Where this instance runs, as the zones of servers are named in the configuration file. For PREFER_ZONE.",
      givenTo: { fleet: "zone" },
    }),
    host: setting({
      env: "APP_HOST",
      type: listenHost,
      default: "0.0.0.0",
      doc: "Address to listen on for clients. `::` listens on IPv6 and IPv4.",
      givenTo: { worker: "host" },
      restart: true,
    }),
    port: setting({
      env: "APP_PORT",
      type: port(0),
      default: "8080",
      doc: "Port for clients that speak plain HTTP. 0 takes any free port.",
      common: true,
      givenTo: { worker: "port" },
      restart: true,
    }),
    reservedPaths: setting({
      env: "RESERVED_PATHS",
      type: toggle,
      default: "true",
      doc: "Answer /health/live, /health/ready, /metrics, /api/v1/servers and /api/v1/request (with what is below these two) here. Set it to false when your site owns these paths: they are then proxied, and all but the last answered on the admin port only.",
      givenTo: { worker: "reservedPaths" },
    }),
    fleetStatus: setting({
      env: "FLEET_STATUS",
      type: viewers,
      default: "everyone",
      doc: "Who may ask for /metrics and /api/v1/servers here: `everyone`, `nobody`, or clients of these addresses and CIDR ranges, comma-separated. Others get 403. Both say much of your fleet: close them where strangers come. The admin port has them all the same.",
      givenTo: { worker: "fleetStatus" },
    }),
    prometheusEnabled: setting({
      env: "PROMETHEUS_ENABLED",
      type: toggle,
      default: "true",
      doc: "Offer GET /metrics. When off, the path is proxied like any other, and 404 on the admin port.",
      givenTo: { worker: "prometheusEnabled" },
    }),
    workers: setting({
      env: "WORKERS",
      type: integer(0, MAX_WORKERS),
      default: "0",
      doc: "Worker processes that share the port. 0 means one per core on Linux, of those that the control group (cgroup) allows, and fewer where its memory is not enough; one elsewhere. The log and `/api/v1/status` say why so many.",
    }),
    nativeSockets: setting({
      env: "NATIVE_SOCKETS",
      type: toggle,
      default: "on",
      doc: "On Linux, serve plain TCP by system calls of our own, which costs least. `off` uses the runtime's sockets, as other systems and TLS do. A change needs a restart.",
      givenTo: { worker: "nativeSockets" },
      restart: true,
    }),
    shutdownTimeoutMs: setting({
      env: "SHUTDOWN_TIMEOUT_SECONDS",
      type: seconds(0, 3600),
      default: "30",
      doc: "How long requests in flight may take to finish after SIGTERM or SIGINT before they are cut.",
      givenTo: { worker: "shutdownTimeoutMs" },
    }),
    shutdownGraceMs: setting({
      env: "SHUTDOWN_GRACE_SECONDS",
      type: seconds(0, 3600),
      default: "0",
      doc: "Part of SHUTDOWN_TIMEOUT_SECONDS during which new requests are still taken while /health/ready already fails, so that what stands in front notices in time.",
    }),
  },
};

/** Process log and access log. */
export const log = {
  title: "Logs",
  settings: {
    level: setting({
      env: "LOG_LEVEL",
      type: oneOf(LOG_LEVELS),
      default: "info",
      doc: "Least severe level that the process log shows.",
      givenTo: { worker: "logLevel" },
    }),
    format: setting({
      env: "LOG_FORMAT",
      type: oneOf(LOG_FORMATS),
      default: "json",
      doc: "`json` for machines or `text` for people; for the process log (standard error) and the access log (standard output).",
      common: true,
      givenTo: { worker: "logFormat" },
    }),
    access: setting({
      env: "ACCESS_LOG",
      type: toggle,
      default: "on",
      doc: "Write one line per request to standard output, or to ACCESS_LOG_FILE.",
      givenTo: { worker: "accessLog" },
    }),
    accessFormat: optional({
      env: "ACCESS_LOG_FORMAT",
      type: oneOf(ACCESS_LOG_FORMATS),
      doc: "What lines of the access log look like, if not as LOG_FORMAT says. `common` and `combined` are the formats of that name of Apache and nginx.",
      givenTo: { worker: "accessLogFormat" },
    }),
    accessFields: setting({
      env: "ACCESS_LOG_FIELDS",
      type: logFields,
      default: "default",
      doc: "Which fields a line of JSON has: names, `default` or `all`; `-` before a name leaves it out. docs/logs.md lists them.",
      givenTo: { worker: "accessLogFields" },
    }),
    accessFile: optional({
      env: "ACCESS_LOG_FILE",
      type: path,
      doc: "File that lines of the access log are appended to. It is opened anew on SIGUSR1, and within seconds when it was moved or removed. Unset means standard output.",
      givenTo: { worker: "accessLogFile" },
    }),
    accessMaxBytes: setting({
      env: "ACCESS_LOG_MAX_MEGABYTES",
      type: size(0, 1_000_000, "mebibyte"),
      default: "0",
      doc: "Size at which ACCESS_LOG_FILE is moved to the same name with .1, in place of what was moved before, and begun anew: for where no logrotate is, as in a container. 0 means never. Links and pipes are left alone.",
    }),
    accessProbes: setting({
      env: "ACCESS_LOG_PROBES",
      type: toggle,
      default: "off",
      doc: "Also write lines of requests for /health/live, /health/ready, /metrics and /api/v1/servers. Those that are refused have one anyway.",
      givenTo: { worker: "accessLogProbes" },
    }),
    accessSample: setting({
      env: "ACCESS_LOG_SAMPLE",
      type: decimal(0, 1),
      default: "1",
      doc: "Share of requests that are logged, 0 … 1. Answers of 500 and above, and requests that failed, are logged always.",
      givenTo: { worker: "accessLogSample" },
    }),
  },
};

/** TLS with clients. */
export const tls = {
  title: "TLS",
  doc: "Certificates are read and checked at start and on SIGHUP.",
  settings: {
    port: optional({
      env: "TLS_PORT",
      type: port(0),
      doc: "Port for clients that speak HTTPS. Unset means off; needs TLS_CERT_FILE and TLS_KEY_FILE, or ACME_DOMAINS.",
      common: true,
      restart: true,
    }),
    certFiles: optional({
      env: "TLS_CERT_FILE",
      type: pathList,
      doc: "PEM files with the certificate and its chain. The first is the default, the others are chosen by server name (SNI).",
      common: true,
    }),
    keyFiles: optional({
      env: "TLS_KEY_FILE",
      type: pathList,
      doc: "PEM files with the unencrypted private keys, in the order of TLS_CERT_FILE.",
      common: true,
    }),
    minVersion: setting({
      env: "TLS_MIN_VERSION",
      type: oneOf(["1.2", "1.3"]),
      default: "1.2",
      doc: "Lowest version of TLS that clients may speak. Nothing below 1.2 is spoken.",
    }),
    ciphers: setting({
      env: "TLS_CIPHERS",
      type: cipherList,
      default: DEFAULT_CIPHERS.join(":"),
      doc: "Cipher suites of TLS 1.2, by the names that OpenSSL has for them, the preferred one first. The default is Mozilla's `intermediate`. Those of TLS 1.3 are the runtime's, all three, and cannot be chosen.",
    }),
    curves: optional({
      env: "TLS_CURVES",
      type: curveList,
      doc: "Groups for the key exchange, the preferred one first: X25519MLKEM768, X25519, P-256, P-384, P-521. Unset means those of the runtime.",
    }),
    clientAuth: setting({
      env: "TLS_CLIENT_AUTH",
      type: oneOf(["off", "request", "require"]),
      default: "off",
      doc: "Whether clients that speak HTTPS show certificates of TLS_CLIENT_CA_FILE: `request` serves those that show none, too; a certificate that is not valid is refused either way. Servers are told in `Client-Cert` (RFC 9440).",
    }),
    clientCaFile: optional({
      env: "TLS_CLIENT_CA_FILE",
      type: path,
      doc: "PEM bundle of the authorities whose certificates clients may show. No others are believed.",
    }),
    clientCrlFile: optional({
      env: "TLS_CLIENT_CRL_FILE",
      type: path,
      doc: "PEM file with lists of revoked certificates (CRL), one of each authority. Those of an authority without a list here, or with one that is out of date, are refused.",
    }),
    redirect: setting({
      env: "TLS_REDIRECT",
      type: toggle,
      default: "off",
      doc: "Send clients that speak plain HTTP to the same address with https. Reserved paths are answered all the same.",
    }),
    hstsMs: setting({
      env: "TLS_HSTS_SECONDS",
      type: seconds(0, 3_153_600_000),
      default: "0",
      doc: "Tell clients that speak HTTPS to speak nothing else for this long (Strict-Transport-Security, RFC 6797). 0 means off. It is not easily taken back: begin with a few minutes.",
      givenTo: { worker: "hstsMs" },
    }),
  },
};
